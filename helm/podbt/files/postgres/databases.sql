-- Two databases with an owner each. Repeatable: it also sets the passwords that the Secrets hold now.
\set ON_ERROR_STOP on
\set superuser_password `cat /run/podbt-passwords/superuser`
\set metadata_password `cat /run/podbt-passwords/metadata`
\set warehouse_password `cat /run/podbt-passwords/warehouse`

select format('create role %I login', name)
from (values ('airflow'), ('warehouse')) as wanted (name)
where not exists (select from pg_catalog.pg_roles where rolname = name)
\gexec

alter role postgres password :'superuser_password';
alter role airflow password :'metadata_password';
alter role warehouse password :'warehouse_password';

select format('create database %I owner %I', name, name)
from (values ('airflow'), ('warehouse')) as wanted (name)
where not exists (select from pg_catalog.pg_database where datname = name)
\gexec

revoke all on database airflow from public;
revoke all on database warehouse from public;
