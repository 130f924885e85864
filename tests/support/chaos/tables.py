"""What a target's schemas hold, as one hash a relation."""

from tests.support.e2e import warehouse

_RELATIONS = """
select format('%I.%I', n.nspname, c.relname) as name
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm') and n.nspname like '{prefix}%'
order by 1
"""


def contents(prefix: str) -> dict[str, str]:
    """Rows and their hash, whatever their order, of each relation in the schemas with this prefix."""
    names = [str(row["name"]) for row in warehouse.query(_RELATIONS.format(prefix=prefix))]
    assert names, f"no relation in schemas {prefix}*"
    parts = [
        f"select '{name}' as name, count(*) || ' rows ' || coalesce(md5(string_agg(md5(t::text), '' "
        f"order by md5(t::text))), '') as content from {name} as t"
        for name in names
    ]
    return {str(row["name"]): str(row["content"]) for row in warehouse.query(" union all ".join(parts))}


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
