-- State and plan of recoveries in progress, so that another process can resume or undo them. Own table: the original
-- neither reads nor writes it.

create table if not exists recovery_journal (
  recovery_uid varchar(128) not null,
  state varchar(128) not null,
  plan text not null,
  updated_at timestamp not null default '',
  primary key (recovery_uid)
);
