-- expand: who entered an evaluation, where a person is known to: the person's key, never a name.

alter table analytics.evaluations add column entered_by_person uuid;
