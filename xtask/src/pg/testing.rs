//! A throw-away server with a database on it for a test, and a schema that holds one of everything.

use std::rc::Rc;

use postgres::Client;

use super::connect;
use super::server::{Server, Settings};
use super::url::{self, DatabaseUrl};
use crate::process::tools::{self, Postgres, Wanted};

pub(crate) struct Scratch {
    pub(crate) server: Rc<Server>,
    pub(crate) url: DatabaseUrl,
}

pub(crate) fn programs() -> Postgres {
    tools::postgres(&Wanted::default()).unwrap()
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch::on(Rc::new(Server::start(&programs(), &Settings::default()).unwrap()), "Test \"1\"")
    }

    /// A server whose database holds this.
    pub(crate) fn with(sql: &str) -> (Scratch, Client) {
        let scratch = Scratch::new();
        let mut client = scratch.client();
        client.batch_execute(sql).unwrap();
        (scratch, client)
    }

    /// An empty database beside this one.
    pub(crate) fn another(&self, name: &str) -> Scratch {
        Scratch::on(Rc::clone(&self.server), name)
    }

    pub(crate) fn client(&self) -> Client {
        connect::connect(&self.url, "test").unwrap()
    }

    fn on(server: Rc<Server>, name: &str) -> Scratch {
        server.create_database(name).unwrap();
        let url = url::exact(&server.url(name)).unwrap();
        Scratch { server, url }
    }
}

/// One of everything that a schema can hold, with awkward names.
pub(crate) const RICH: &str = r#"
create extension if not exists pg_trgm;
create schema "Odd ""Schema""";
create type mood as enum ('sad', 'it''s ok', 'happy');
create domain email_address as text not null default 'x@y' check (value ~ '@');
create type pair as (a integer, "B b" text);
create type span as range (subtype = timestamptz);
create sequence loose start 5 increment 3 cycle;
create table users (
  id bigint generated always as identity primary key,
  email varchar(120) not null unique,
  name text collate "C" default 'nobody',
  mood mood not null default 'happy',
  mail email_address,
  point pair,
  tags text[] default '{}',
  profile jsonb,
  price numeric(10, 2) check (price >= 0),
  price_twice numeric generated always as (price * 2) stored,
  at timestamptz default now()
);
create table "Odd ""Schema"""."Weird 'T'" (
  "Id" serial primary key, "select" integer not null references users on delete cascade deferrable, "a""b" text unique,
  "Ünï" bytea, constraint "Ch eck" check ("select" > 0)
);
create table parted (id integer not null, region text not null, v float8, primary key (id, region)) partition by list (region);
create table parted_eu partition of parted for values in ('eu');
create table parted_rest partition of parted default;
create table base (id integer primary key, note text);
create table child (extra integer) inherits (base);
create index users_name_lower on users (lower(name)) where name is not null;
create index users_trgm on users using gin (name gin_trgm_ops);
create statistics users_stats (dependencies) on name, mood from users;
create view happy as select id, mail from users where mood = 'happy';
create materialized view per_mood as select mood, count(*) from users group by mood;
create function touch() returns trigger language plpgsql as $$ begin new.at := now(); return new; end $$;
create procedure noop(a integer) language sql as 'select 1';
create aggregate total(integer) (sfunc = int4pl, stype = integer, initcond = '0');
create trigger users_touch before update on users for each row execute function touch();
alter table users enable row level security;
create policy own on users for select using (id > 0);
create rule keep as on delete to base do instead nothing;
comment on table users is 'people';
comment on column users.email is 'where it''s sent';
comment on constraint users_email_key on users is 'one each';
alter table users alter column profile set storage external;
alter table users set (fillfactor = 80);
insert into users (email, name, price, tags, profile)
  select 'u' || g || '@x', nullif('n' || g % 7, 'n3'), g, array['t' || g], jsonb_build_object('g', g) from generate_series(1, 500) g;
insert into "Odd ""Schema"""."Weird 'T'" ("select", "a""b", "Ünï") select g, case when g % 2 = 0 then '' end || g, decode('00ff', 'hex') from generate_series(1, 50) g;
insert into parted select g, case when g % 2 = 0 then 'eu' else 'us' end, g / 3.0 from generate_series(1, 100) g;
insert into base values (1, 'base'); insert into child values (2, 'child', 3);
refresh materialized view per_mood;
select setval('loose', 17, false);
"#;
