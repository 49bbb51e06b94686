//! Whoever asks for an account means one bucket, whose files are few: the others need not be opened.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, LogicalPlan, Operator, lit};
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::{ApplyOrder, Optimizer, OptimizerConfig, OptimizerRule};
use schemas::ids::AccountKey;
use schemas::tables::{ALL, bucket};

use crate::table::BUCKET;

/// The column that a bucket follows from.
const ACCOUNT: &str = "account";

/// Adds to a condition `account = '…'` on a table the bucket that it implies.
#[derive(Debug)]
pub(super) struct BucketOfAccount;

impl BucketOfAccount {
    /// The usual rules with this one among them: after conditions were moved to their tables, and before the
    /// columns that nobody asks for are left out.
    pub(super) fn among_the_usual() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        let mut rules = Optimizer::new().rules;
        let moved = rules
            .iter()
            .position(|rule| rule.name() == PushDownFilter::new().name());
        rules.insert(moved.map_or(rules.len(), |place| place + 1), Arc::new(Self));
        rules
    }
}

impl OptimizerRule for BucketOfAccount {
    fn name(&self) -> &'static str {
        "bucket_of_account"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = plan else {
            return Ok(Transformed::no(plan));
        };
        if !is_by_bucket(&filter.input) {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        }
        // All parts have to hold, so the bucket may be one more. Within `or` and `not` it would not be the same.
        let parts = split_conjunction(&filter.predicate);
        let implied = parts.iter().filter_map(|part| {
            let (column, account) = wanted(part)?;
            let column = Column::new(column.relation.clone(), BUCKET);
            Some(Expr::Column(column).eq(lit(bucket(account))))
        });
        let new: Vec<Expr> = implied.filter(|part| !parts.contains(&part)).collect();
        let Some(new) = conjunction(new) else {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        };
        let filter = Filter::try_new(filter.predicate.and(new), filter.input)?;
        Ok(Transformed::yes(LogicalPlan::Filter(filter)))
    }
}

/// Whether it is a table of the lake that has buckets, with all its columns.
fn is_by_bucket(plan: &LogicalPlan) -> bool {
    let LogicalPlan::TableScan(scan) = plan else {
        return false;
    };
    let name = scan.table_name.table();
    let mut bucketed = ALL.iter().filter(|table| table.bucketed);
    scan.projection.is_none() && bucketed.any(|table| table.name == name)
}

/// The account that `account = '…'` asks for, and its column.
fn wanted(condition: &Expr) -> Option<(&Column, AccountKey)> {
    let Expr::BinaryExpr(BinaryExpr {
        left,
        op: Operator::Eq,
        right,
    }) = condition
    else {
        return None;
    };
    let (column, value) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), Expr::Literal(value, _))
        | (Expr::Literal(value, _), Expr::Column(column)) => (column, value),
        _ => return None,
    };
    let (ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text))) = value else {
        return None;
    };
    (column.name == ACCOUNT).then_some((column, text.parse().ok()?))
}
