-- Each item of a catalogue, now and before, in the columns of the lake's table. Rows: one an item and time.
select activity, version, document ->> 'subject' as subject, competencies, document ->> 'intent' as intent,
       (document ->> 'level')::integer as level, document::text as document, valid_from, valid_to
  from published.catalogue_history
 order by activity, valid_from
