//! Whoever asks for an account means one bucket, whose files are few: the others need not be opened.

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, lit};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use schemas::ids::AccountKey;
use schemas::tables::{ALL, bucket};

use crate::table::BUCKET;

/// The column that a bucket follows from.
const ACCOUNT: &str = "account";

/// Adds to the condition `account = '…'` of a scan the bucket that it implies. It comes after the rules that move
/// conditions into scans.
#[derive(Debug)]
pub(super) struct BucketOfAccount;

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
        let LogicalPlan::TableScan(mut scan) = plan else {
            return Ok(Transformed::no(plan));
        };
        let name = scan.table_name.table();
        if !ALL.iter().any(|table| table.bucketed && table.name == name) {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        }
        // All of a scan's conditions have to hold, so each may be narrowed.
        let implied = scan.filters.iter().filter_map(|condition| {
            let (column, account) = wanted(condition)?;
            let column = Column::new(column.relation.clone(), BUCKET);
            Some(Expr::Column(column).eq(lit(bucket(account))))
        });
        let new: Vec<Expr> = implied
            .filter(|condition| !scan.filters.contains(condition))
            .collect();
        if new.is_empty() {
            return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
        }
        scan.filters.extend(new);
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    }
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
