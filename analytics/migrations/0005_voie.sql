-- expand: the voie of a pupil, as the roster tells it, and how much it weighs in a model.

-- Null: the roster does not say it.
alter table analytics.users
    add column voie text check (voie in ('gt', 'pro'));

-- What a model starts from where the voie is known; models made before start from the same for everybody.
alter table analytics.models add column voie_weight double precision not null default 0;

alter table analytics.predictions drop constraint predictions_dimension_check;
alter table analytics.predictions add constraint predictions_dimension_check
    check (dimension in ('subject', 'domain', 'kind', 'turn', 'voie'));
