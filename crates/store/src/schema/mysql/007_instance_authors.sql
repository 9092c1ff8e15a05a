-- Which process wrote the facts of a server last: a number that says nothing else.

create table if not exists database_instance_facts (
  written_by bigint unsigned not null default 0
);
