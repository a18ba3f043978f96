"""The SQL that locks synced columns: a table of what is locked, and two event triggers.

The triggers decide from `sync_platform.locked_tables` and the catalog alone, never from tables in a
connection's schema: those may be what is being dropped, and may not be readable to whoever drops
them. A trigger that cannot decide lets the statement pass. They run with the rights of whoever
installed them, whatever rights those have who run into them.

This guards against accidents, not against malice: `SET sync_platform.own_ddl = 'on'` lets anyone
pass who may alter the table at all. What is locked stays closed to all but its owner, and so does
the whole schema, where secrets may lie: a role that syncs without rights on it is told which ones a
superuser can grant (`locks.py`).
"""

VERSION = 9  # of what INSTALL makes: raise it with every change, and databases get the new one

PASSING = "SET sync_platform.own_ddl = 'on'"  # what a person types who knows better

# The version that a database has; NULL where it has none.
INSTALLED = """(SELECT substring(obj_description(oid, 'pg_event_trigger') FROM '[0-9]+')::int
    FROM pg_event_trigger WHERE evtname = 'sync_platform_keeps_shape')"""

# Whether the schema's owner may be trusted with the installer's rights; no row: no schema yet.
TRUSTED = """SELECT rolsuper OR rolname = current_user FROM pg_namespace
    JOIN pg_roles ON pg_roles.oid = nspowner WHERE nspname = 'sync_platform'"""

INSTALL = r"""
DROP EVENT TRIGGER IF EXISTS sync_platform_keeps_columns;
DROP EVENT TRIGGER IF EXISTS sync_platform_keeps_shape;
DROP FUNCTION IF EXISTS sync_platform.own_ddl();

-- What is in it stays locked: each connection locks its own tables alone, when it syncs.
CREATE TABLE IF NOT EXISTS sync_platform.locked_tables (
    relid oid NOT NULL UNIQUE,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    connection text NOT NULL,
    label text NOT NULL,
    columns jsonb NOT NULL,
    keys text[] NOT NULL,
    differing jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (schema_name, table_name)
);
-- To alter it waits for whoever dumps it or has altered anything, and everybody's DDL waits behind.
DO $$ BEGIN
    IF 2 > (SELECT count(*) FROM pg_attribute
        WHERE attrelid = 'sync_platform.locked_tables'::regclass
        AND attname IN ('keys', 'differing') AND NOT attisdropped)
    THEN ALTER TABLE sync_platform.locked_tables
        ADD COLUMN IF NOT EXISTS keys text[] NOT NULL DEFAULT '{}',  -- of versions before 3
        ADD COLUMN IF NOT EXISTS differing jsonb NOT NULL DEFAULT '{}';  -- of versions before 7
    END IF;
END $$;
LOCK TABLE sync_platform.locked_tables IN SHARE ROW EXCLUSIVE MODE;  -- syncs write, others read
-- Version 8 opened both to everybody, and a backup brings that back.
REVOKE ALL ON sync_platform.locked_tables FROM PUBLIC;
REVOKE ALL ON SCHEMA sync_platform FROM PUBLIC;
COMMENT ON TABLE sync_platform.locked_tables IS
    'The tables that connections keep in sync, their columns ({name: type}) and key columns, and '
    'which columns differed in type or had a nondeterministic collation when they were locked.';

CREATE OR REPLACE FUNCTION sync_platform.refusal(
    schema_name text, table_name text, label text, connection text, part text, cannot text
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format(
        'The %s %I.%I (%s) is kept in sync by the connection %s and cannot be %s. '
        'Disconnect it first, or %s.',
        coalesce(part || ' of', 'table'), schema_name, table_name, label, connection, cannot,
        CASE WHEN part IS NULL THEN 'make a view or a table of your own'
             WHEN part = 'primary key' THEN 'add a unique index of your own'
             ELSE 'add a column of your own' END)
$$;

-- Whether a line is about the table with its relid: where a backup was brought back, relids may be
-- those of people's own tables. A table that was renamed or moved has (all but one of) its columns.
CREATE OR REPLACE FUNCTION sync_platform.is_about(
    relid oid, schema_name text, table_name text, columns jsonb
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        to_regclass(format('%I.%I', schema_name, table_name))::oid = relid,
        2 > (SELECT count(*) FROM jsonb_object_keys(columns) must WHERE NOT EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = relid AND a.attname = must AND NOT a.attisdropped)))
$$;

-- The columns that have another type, or a nondeterministic collation, and the types they have, not
-- by name: people rename types of theirs. A sync mends the columns that it writes; for what others
-- have when they are locked, nobody is refused.
CREATE OR REPLACE FUNCTION sync_platform.differing(relid oid, columns jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
    SELECT coalesce(jsonb_object_agg(w.key, jsonb_build_array(a.atttypid, a.atttypmod)), '{}')
    FROM jsonb_each_text(columns) w
    JOIN pg_attribute a ON a.attrelid = relid AND a.attname = w.key AND NOT a.attisdropped
    LEFT JOIN pg_collation s ON s.oid = a.attcollation AND NOT s.collisdeterministic
    WHERE format_type(a.atttypid, a.atttypmod) <> w.value OR s.oid IS NOT NULL
$$;
GRANT EXECUTE ON FUNCTION sync_platform.differing TO PUBLIC;  -- where it is not so by default
UPDATE sync_platform.locked_tables SET differing = sync_platform.differing(relid, columns);

-- Dropped: a column, a table (by whatever it was dropped: its schema, a type, a collation), a
-- primary key. Whatever is dropped comes by here, most of it temporary.
CREATE OR REPLACE FUNCTION sync_platform.keep_columns() RETURNS event_trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE refused text;
BEGIN
    IF coalesce(current_setting('sync_platform.own_ddl', true), '') IN ('on', 'true', '1')
        OR NOT EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary)
    THEN RETURN; END IF;
    BEGIN
        SELECT sync_platform.refusal(l.schema_name, l.table_name, l.label, l.connection,
            CASE WHEN d.objsubid <> 0 THEN format('column %I', d.address_names[3]) END, 'dropped')
        INTO refused
        FROM pg_event_trigger_dropped_objects() d
        JOIN sync_platform.locked_tables l ON l.relid = d.objid
            AND l.schema_name = d.address_names[1] AND l.table_name = d.address_names[2]
        WHERE d.classid = 'pg_class'::regclass
            AND (d.objsubid = 0 OR l.columns ? d.address_names[3])
        ORDER BY d.original DESC, l.keys = '{}', l.table_name
        LIMIT 1;
        IF refused IS NULL THEN
            SELECT sync_platform.refusal(l.schema_name, l.table_name, l.label, l.connection,
                'primary key', 'dropped')
            INTO refused
            FROM pg_event_trigger_dropped_objects() d
            JOIN sync_platform.locked_tables l
                ON l.schema_name = d.address_names[1] AND l.table_name = d.address_names[2]
                AND l.relid = to_regclass(format('%I.%I', l.schema_name, l.table_name))
            LEFT JOIN pg_constraint p
                ON p.conrelid = l.relid AND p.contype = 'p' AND NOT p.condeferrable
            CROSS JOIN LATERAL (
                SELECT coalesce(array_agg(a.attname::text), '{}') AS keys FROM pg_attribute a
                WHERE a.attrelid = l.relid AND a.attnum = ANY (p.conkey)
            ) has  -- made anew on the same columns, it is as good as before
            WHERE d.object_type = 'table constraint'
                AND NOT (has.keys <@ l.keys AND has.keys @> l.keys AND p.oid IS NOT NULL)
            LIMIT 1;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RETURN;
    END;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist', MESSAGE = refused;
    END IF;
END $$;

-- Renamed, moved, retyped or given a nondeterministic collation, by which a sync would take texts
-- that differ for the same: the catalog no longer says what the lock says.
CREATE OR REPLACE FUNCTION sync_platform.keep_shape() RETURNS event_trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE refused text;
BEGIN
    IF coalesce(current_setting('sync_platform.own_ddl', true), '') IN ('on', 'true', '1')
    THEN RETURN; END IF;
    BEGIN
        IF tg_tag IN ('ALTER SCHEMA', 'ALTER EXTENSION') THEN
            SELECT sync_platform.refusal(l.schema_name, l.table_name, l.label, l.connection,
                NULL, format('moved to the schema %I', n.nspname))
            INTO refused
            FROM pg_event_trigger_ddl_commands() d
            CROSS JOIN sync_platform.locked_tables l
            JOIN pg_class c ON c.oid = l.relid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE l.schema_name <> n.nspname
                AND (d.classid = 'pg_namespace'::regclass AND d.objid = n.oid
                    OR d.classid = 'pg_extension'::regclass AND EXISTS (  -- a member of it
                        SELECT FROM pg_depend m
                        WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid
                            AND m.refclassid = d.classid AND m.refobjid = d.objid))
                AND sync_platform.is_about(l.relid, l.schema_name, l.table_name, l.columns)
            ORDER BY l.keys = '{}', l.table_name
            LIMIT 1;
        ELSE
            SELECT sync_platform.refusal(l.schema_name, l.table_name, l.label, l.connection,
                CASE WHEN k.name IS NOT NULL THEN format('column %I', k.name) END,
                CASE WHEN n.nspname <> l.schema_name
                        THEN format('moved to the schema %I', n.nspname)
                    WHEN k.type IS NULL THEN 'renamed'
                    WHEN k.type <> k.must
                        THEN format('changed from the type %s to %s', k.must, k.type)
                    ELSE format('given the collation %I, by which texts that differ can be the '
                        'same', k.collation) END)
            INTO refused
            FROM pg_event_trigger_ddl_commands() d
            CROSS JOIN LATERAL (
                WITH RECURSIVE heirs (id) AS (
                    (SELECT d.objid UNION ALL SELECT t.oid  -- tables OF a type
                        FROM pg_class y JOIN pg_class t ON t.reloftype = y.reltype
                        WHERE y.oid = d.objid AND y.relkind = 'c')
                    UNION SELECT h.inhrelid FROM pg_inherits h
                    JOIN heirs ON h.inhparent = heirs.id
                ) SELECT id FROM heirs
            ) it
            JOIN sync_platform.locked_tables l ON l.relid = it.id
            JOIN pg_class c ON c.oid = l.relid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN LATERAL (
                SELECT w.key AS name, w.value AS must, format_type(a.atttypid, a.atttypmod) AS type,
                    s.collname AS collation
                FROM jsonb_each_text(l.columns) w
                LEFT JOIN pg_attribute a
                    ON a.attrelid = l.relid AND a.attname = w.key AND NOT a.attisdropped
                LEFT JOIN pg_collation s
                    ON s.oid = a.attcollation AND NOT s.collisdeterministic
                WHERE a.attname IS NULL AND d.objsubid > 0  -- one was renamed, this one
                    OR format_type(a.atttypid, a.atttypmod) <> w.value
                        AND l.differing -> w.key
                            IS DISTINCT FROM jsonb_build_array(a.atttypid, a.atttypmod)
                    OR s.oid IS NOT NULL AND NOT l.differing ? w.key
                LIMIT 1
            ) k ON true
            WHERE d.classid = 'pg_class'::regclass AND (
                n.nspname <> l.schema_name OR c.relname <> l.table_name OR k.name IS NOT NULL)
                AND sync_platform.is_about(l.relid, l.schema_name, l.table_name, l.columns)
            LIMIT 1;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RETURN;
    END;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'dependent_objects_still_exist', MESSAGE = refused;
    END IF;
END $$;

-- Any statement may drop something. ALTER INDEX and ALTER VIEW rename tables and columns, too.
CREATE EVENT TRIGGER sync_platform_keeps_columns ON sql_drop
    EXECUTE FUNCTION sync_platform.keep_columns();
CREATE EVENT TRIGGER sync_platform_keeps_shape ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER SCHEMA', 'ALTER INDEX', 'ALTER VIEW', 'ALTER SEQUENCE',
        'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER TYPE', 'ALTER EXTENSION')
    EXECUTE FUNCTION sync_platform.keep_shape();
COMMENT ON EVENT TRIGGER sync_platform_keeps_columns IS
    'Keeps people from dropping what a connection keeps in sync.';
"""

NAME_VERSION = f"""COMMENT ON EVENT TRIGGER sync_platform_keeps_shape IS
    'Version {VERSION}. Keeps people from renaming and retyping what a connection keeps in sync.'"""
