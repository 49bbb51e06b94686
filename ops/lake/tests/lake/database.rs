//! A database in memory: answers, voidings and other statements in their order.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use lake::{Gone, Piece, Source};

use crate::rows::{batch, bucket, id};

/// A statement; its position is its place in the order, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    Answer,
    /// Voids the statement at this position.
    Voiding(i64),
    Other,
}

/// What several relays read; clones are the same database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    statements: Arc<Mutex<Vec<Statement>>>,
    /// Whether rows that it has lost come back to it; else they are not its own.
    pub(crate) takes_back: bool,
    most: usize,
    epoch: Arc<Mutex<&'static str>>,
}

impl Database {
    /// An empty one, of which a piece takes so many statements at most.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            statements: Arc::default(),
            takes_back: true,
            most,
            epoch: Arc::new(Mutex::new("1-1")),
        }
    }

    /// A backup of it: what was there up to a position, on another timeline.
    pub(crate) fn backup(&self, through: usize) -> Self {
        let statements = self.statements.lock().unwrap()[..through].to_vec();
        Self {
            statements: Arc::new(Mutex::new(statements)),
            ..self.restored()
        }
    }

    /// The same statements on another timeline.
    pub(crate) fn restored(&self) -> Self {
        Self {
            epoch: Arc::new(Mutex::new("1-2")),
            ..self.clone()
        }
    }

    /// Another copy of it takes over.
    pub(crate) fn promote(&self, epoch: &'static str) {
        *self.epoch.lock().unwrap() = epoch;
    }

    pub(crate) fn add(&self, statements: &[Statement]) {
        self.statements.lock().unwrap().extend(statements);
    }

    /// Positions of the answers that nobody voided.
    pub(crate) fn valid(&self) -> Vec<i64> {
        valid(&self.statements.lock().unwrap())
    }

    /// Positions of the answers up to one that nobody had voided up to there.
    fn valid_at(&self, through: i64) -> Vec<i64> {
        let statements = self.statements.lock().unwrap();
        let through = usize::try_from(through).unwrap().min(statements.len());
        valid(&statements[..through])
    }

    /// What a relay reads after a position.
    pub(crate) fn piece(&self, after: i64) -> Piece {
        let statements = self.statements.lock().unwrap();
        let start = usize::try_from(after).unwrap().min(statements.len());
        let taken: Vec<_> = statements[start..]
            .iter()
            .take(self.most)
            .copied()
            .collect();
        let position = after + i64::try_from(taken.len()).unwrap();
        let rows: Vec<_> = valid(&statements)
            .into_iter()
            .filter(|seq| (after + 1..=position).contains(seq))
            .collect();
        let mut gone = Gone::default();
        for statement in &taken {
            if let Statement::Voiding(target) = statement {
                gone.ids.push(id(*target));
                gone.buckets.insert(bucket(*target));
            }
        }
        Piece {
            rows: (!rows.is_empty()).then(|| batch(&rows)),
            gone,
            position,
            more: taken.len() == self.most,
        }
    }
}

impl Source for Database {
    async fn epoch(&self) -> anyhow::Result<String> {
        Ok((*self.epoch.lock().unwrap()).to_owned())
    }

    async fn stored(&self) -> anyhow::Result<i64> {
        Ok(i64::try_from(self.statements.lock().unwrap().len())?)
    }

    async fn read(&self, after: i64) -> anyhow::Result<Piece> {
        // Lets another task come between the reading and the commit.
        tokio::task::yield_now().await;
        Ok(self.piece(after))
    }

    async fn as_of(&self, after: i64, through: i64) -> anyhow::Result<Piece> {
        let position = through.min(after + i64::try_from(self.most)?);
        let rows: Vec<_> = self
            .valid_at(through)
            .into_iter()
            .filter(|seq| (after + 1..=position).contains(seq))
            .collect();
        Ok(Piece {
            rows: (!rows.is_empty()).then(|| batch(&rows)),
            gone: Gone::default(),
            position,
            more: position < through,
        })
    }

    async fn undecided(&self, through: i64) -> anyhow::Result<BTreeSet<String>> {
        let later = &self.statements.lock().unwrap()[usize::try_from(through)?..];
        let targets = later.iter().filter_map(|statement| match statement {
            Statement::Voiding(target) if *target <= through => Some(id(*target)),
            _ => None,
        });
        Ok(targets.collect())
    }

    async fn put_back(&self, rows: RecordBatch) -> anyhow::Result<Vec<String>> {
        let seqs = rows.column_by_name("seq").unwrap();
        let seqs = seqs.as_primitive::<Int64Type>().values();
        if !self.takes_back {
            return Ok(seqs.iter().map(|seq| id(*seq)).collect());
        }
        let mut statements = self.statements.lock().unwrap();
        for seq in seqs {
            let place = usize::try_from(*seq)?;
            let longer = statements.len().max(place);
            statements.resize(longer, Statement::Other);
            statements[place - 1] = Statement::Answer;
        }
        Ok(Vec::new())
    }

    async fn in_line(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

fn valid(statements: &[Statement]) -> Vec<i64> {
    (1..)
        .zip(statements)
        .filter(|(seq, statement)| {
            **statement == Statement::Answer && !statements.contains(&Statement::Voiding(*seq))
        })
        .map(|(seq, _)| seq)
        .collect()
}
