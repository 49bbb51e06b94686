//! Migrations: forward only, by `refinery`, one history table per schema.

use refinery::{Migration, Runner};

use super::Pool;

/// The migrations of one schema, in order: `("0001_statements", include_str!(…))`.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// The schema that they own; their history stands in `public.migrations_<schema>`.
    pub schema: &'static str,
    /// Name (`NNNN_what`) and SQL of each step.
    pub steps: &'static [(&'static str, &'static str)],
}

/// Why the database is not at this program's schema.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database was migrated by a newer Sillage.
    #[error(
        "the database is at version {found} of the schema {schema}, newer than this program's {known}: start the newer Sillage"
    )]
    Newer {
        /// The schema.
        schema: &'static str,
        /// The version that the database is at.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A step's name is not `NNNN_what`.
    #[error("migration {0} is not named NNNN_what")]
    Name(&'static str),
    /// No connection could be had.
    #[error("no connection to PostgreSQL")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// PostgreSQL refused.
    #[error("PostgreSQL refused a query of the migration")]
    Query(#[from] tokio_postgres::Error),
    /// A step failed, or differs from the one that was applied.
    #[error("could not migrate the schema {schema}")]
    Step {
        /// The schema.
        schema: &'static str,
        /// What refinery says.
        #[source]
        source: Box<refinery::Error>,
    },
}

/// Brings the database to this program's schema, set by set, in the order given.
///
/// Several processes may start at once: an advisory lock lets one migrate while the others wait.
pub async fn migrate(pool: &Pool, sets: &[Migrations]) -> Result<(), MigrateError> {
    // The lock is the session's: the connection is taken out of the pool and dropped at the end,
    // so that it is released whatever happens in between.
    let mut client = deadpool_postgres::Object::take(pool.get().await?);
    client
        .execute(
            "select pg_advisory_lock(hashtext('sillage migrations'))",
            &[],
        )
        .await?;
    for set in sets {
        apply(&mut client, set).await?;
    }
    Ok(())
}

async fn apply(
    client: &mut deadpool_postgres::ClientWrapper,
    set: &Migrations,
) -> Result<(), MigrateError> {
    let table = format!("migrations_{}", set.schema);
    let steps = set.steps.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let known = steps.last().map_or(0, |step| i64::from(step.version()));
    let exists: bool = client
        .query_one("select to_regclass('public.' || $1) is not null", &[&table])
        .await?
        .get(0);
    if exists {
        let sql = format!("select coalesce(max(version), 0)::bigint from public.{table}");
        let found: i64 = client.query_one(&sql, &[]).await?.get(0);
        if found > known {
            return Err(MigrateError::Newer {
                schema: set.schema,
                found,
                known,
            });
        }
    }
    let mut runner = Runner::new(&steps).set_abort_missing(true);
    runner.set_migration_table_name(&table);
    runner
        .run_async(&mut **client)
        .await
        .map_err(|source| MigrateError::Step {
            schema: set.schema,
            source: Box::new(source),
        })?;
    Ok(())
}

/// `0001_statements` is refinery's `V1__statements`.
fn parse((name, sql): &(&'static str, &'static str)) -> Result<Migration, MigrateError> {
    let bad = || MigrateError::Name(name);
    let (number, what) = name.split_once('_').ok_or_else(bad)?;
    let number: u32 = number.parse().map_err(|_| bad())?;
    Migration::unapplied(&format!("V{number}__{what}"), sql).map_err(|_| bad())
}
