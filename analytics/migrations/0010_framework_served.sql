-- expand: the framework that the served states were made with. One that was loaded since comes with its recomputation.

create view published.framework_served as
    select f.version, f.document, f.loaded
    from analytics.current c
    join analytics.versions v on v.version = c.version
    join analytics.models m on m.fingerprint = v.model
    join analytics.frameworks f on f.framework = m.framework;
