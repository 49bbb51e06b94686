-- Loads a framework. $1 uri, $2 version, $3 document. One row: its number.
insert into analytics.frameworks (uri, version, document) values ($1, $2, $3) returning framework
