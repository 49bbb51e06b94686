//! References between statements: `lrs.statement_refs`, `lrs.dangling_targets`, and what is inherited
//! through them, `lrs.inherited*`. Besides, `lrs.authority_agents`.

use deadpool_postgres::{ClientWrapper, Object};
use futures::TryStreamExt;
use service::pg::Pool;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{StoreError, settle};

/// The right to follow references, for all copies of the service: held by a connection of its own,
/// which does the work too, so that whoever loses the right cannot go on.
pub struct Following {
    connection: ClientWrapper,
}

impl std::fmt::Debug for Following {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Following")
    }
}

/// A range of positions, after `position` and up to `upto`, in which nothing new can appear.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Up to where everything is done.
    pub position: i64,
    /// The end; `position` where there is nothing to do, or nothing yet.
    pub upto: i64,
    /// Whether targets of earlier references are waited for.
    pub dangling: bool,
    /// Whether there are references after `position`, perhaps beyond the horizon.
    pub waiting: bool,
}

/// A statement that refers to another.
#[derive(Clone, Copy, Debug)]
pub struct Referrer {
    /// Its position.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Whether others refer to it in turn.
    pub is_target: bool,
}

/// What statements (`seq`) inherit from one that they refer to (`via`).
#[derive(Debug, Default)]
pub struct Inheritance {
    /// Pairs: `seq`, `via`.
    pub pairs: (Vec<i64>, Vec<i64>),
    /// Further agents of a `via`, and whether only `related_agents` finds it by them.
    pub agents: (Vec<i64>, Vec<i32>, Vec<bool>),
    /// Related activities of a `via`.
    pub activities: (Vec<i64>, Vec<i32>),
}

/// Takes the right to follow references; none while another copy has it.
pub async fn lock(pool: &Pool) -> Result<Option<Following>, StoreError> {
    let connection = pool.get().await?;
    let result = connection
        .query_one(include_str!("sql/references_lock.sql"), &[])
        .await;
    match result {
        Ok(row) if row.get(0) => {
            // Out of the pool: a connection that goes back to it would keep the lock.
            let connection = Object::take(connection);
            connection
                .batch_execute(include_str!("sql/references_session.sql"))
                .await?;
            Ok(Some(Following { connection }))
        }
        Ok(_) => Ok(None),
        Err(error) => settle(connection, Err(error)),
    }
}

impl Following {
    /// What comes next: at most so many references, and so many statements where any of them may be
    /// waited for.
    pub async fn range(&self, references: i64, statements: i64) -> Result<Range, StoreError> {
        // Two statements: the second has a newer snapshot (docs/decisions/0004).
        let horizon: chrono::DateTime<chrono::Utc> =
            self.one(super::horizon::HORIZON, &[]).await?.get(0);
        let row = self
            .one(
                include_str!("sql/references_range.sql"),
                &[&horizon, &references, &statements],
            )
            .await?;
        Ok(Range {
            position: row.get("position"),
            upto: row.get("upto"),
            dangling: row.get("dangling"),
            waiting: row.get("waiting"),
        })
    }

    /// The statements of a range that refer to others.
    pub async fn within(&self, range: Range) -> Result<Vec<i64>, StoreError> {
        let sql = include_str!("sql/references_within.sql");
        let rows = self.rows(sql, &[&range.position, &range.upto]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The statements of a range that earlier ones wait for.
    pub async fn arrived(&self, range: Range) -> Result<Vec<Uuid>, StoreError> {
        let sql = include_str!("sql/references_arrived.sql");
        let rows = self.rows(sql, &[&range.position, &range.upto]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The statements that refer to one, after a position and up to another.
    pub async fn referrers(
        &self,
        target: Uuid,
        after: i64,
        upto: i64,
        most: i64,
    ) -> Result<Vec<Referrer>, StoreError> {
        let sql = include_str!("sql/references_referrers.sql");
        let rows = self.rows(sql, &[&target, &after, &upto, &most]).await?;
        let referrer = |row: &Row| Referrer {
            seq: row.get("seq"),
            id: row.get("id"),
            is_target: row.get("is_target"),
        };
        Ok(rows.iter().map(referrer).collect())
    }

    /// What some statements refer to, directly or through others, and do not inherit from yet: pairs
    /// of `seq` and `via`.
    pub async fn chains(
        &self,
        seqs: &[i64],
        upto: i64,
        steps: i32,
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        let sql = include_str!("sql/references_chains.sql");
        let rows = self.rows(sql, &[&seqs, &upto, &steps]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Hands over the compressed payloads of statements, one by one: they are never in memory
    /// together.
    pub async fn payloads(
        &self,
        seqs: &[i64],
        mut each: impl FnMut(i64, &[u8]) + Send,
    ) -> Result<(), StoreError> {
        let statement = self
            .connection
            .prepare_cached(include_str!("sql/references_payloads.sql"))
            .await?;
        let parameters: [&(dyn ToSql + Sync); 1] = [&seqs];
        let rows = self.connection.query_raw(&statement, parameters).await?;
        futures::pin_mut!(rows);
        while let Some(row) = rows.try_next().await? {
            each(row.get(0), row.get(1));
        }
        Ok(())
    }

    /// Writes what statements inherit, in one transaction; what is there already stays.
    pub async fn inherit(&self, inheritance: &Inheritance) -> Result<(), StoreError> {
        let Inheritance {
            pairs,
            agents,
            activities,
        } = inheritance;
        let sql = include_str!("sql/references_inherit.sql");
        let parameters: [&(dyn ToSql + Sync); 7] = [
            &pairs.0,
            &pairs.1,
            &agents.0,
            &agents.1,
            &agents.2,
            &activities.0,
            &activities.1,
        ];
        self.rows(sql, &parameters).await.map(drop)
    }

    /// A range is done. `arrived`: those of its statements that were waited for.
    pub async fn advance(&self, range: Range, arrived: &[Uuid]) -> Result<(), StoreError> {
        let sql = include_str!("sql/references_advance.sql");
        self.rows(sql, &[&range.position, &range.upto, &arrived])
            .await
            .map(drop)
    }

    async fn one(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row, StoreError> {
        let statement = self.connection.prepare_cached(sql).await?;
        Ok(self.connection.query_one(&statement, parameters).await?)
    }

    async fn rows(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.connection.prepare_cached(sql).await?;
        Ok(self.connection.query(&statement, parameters).await?)
    }
}

/// Enters which agents authorities are or have as members: pairs of agent and authority.
pub async fn enter_authority_agents(
    pool: &Pool,
    agents: &[i32],
    authorities: &[i32],
) -> Result<(), StoreError> {
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/authority_agents_insert.sql"))
            .await?;
        connection
            .execute(&statement, &[&agents, &authorities])
            .await
    }
    .await;
    settle(connection, result).map(drop)
}

/// The authorities that an agent is in.
pub async fn authorities_of(pool: &Pool, agent: i32) -> Result<Vec<i32>, StoreError> {
    let connection = pool.get().await?;
    let result = async {
        let statement = connection
            .prepare_cached(include_str!("sql/authority_agents_find.sql"))
            .await?;
        connection.query(&statement, &[&agent]).await
    }
    .await;
    let rows = settle(connection, result)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Authorities whose agents were never entered, with their documents.
pub async fn authorities_without_agents(pool: &Pool) -> Result<Vec<(i32, String)>, StoreError> {
    let connection = pool.get().await?;
    let sql = include_str!("sql/authority_agents_missing.sql");
    let result = connection.query(sql, &[]).await;
    let rows = settle(connection, result)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
