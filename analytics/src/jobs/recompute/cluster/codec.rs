//! Our operator as bytes. What it folds with is not in them: a worker has it already.

use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use super::super::operator::{Accounts, FoldExec, Known};

/// The operator, given what it folds with.
#[derive(Debug)]
pub(super) struct Codec(pub(super) Arc<Known>);

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        #[cfg(test)]
        if let Some(faulty) = super::tests::Faulty::decode(bytes) {
            return Ok(Arc::new(faulty));
        }
        if inputs.is_empty() {
            return Err(unknown("an operator of ours has an input"));
        }
        let accounts = match bytes {
            b"single" => Accounts::Single,
            b"shared" => Accounts::Shared,
            _ => return Err(unknown("an operator that is none of ours")),
        };
        let fold = FoldExec::new(inputs.to_vec(), Arc::clone(&self.0), accounts);
        Ok(Arc::new(fold))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        #[cfg(test)]
        if let Some(faulty) = node.downcast_ref::<super::tests::Faulty>() {
            bytes.extend(faulty.encode());
            return Ok(());
        }
        let Some(fold) = node.downcast_ref::<FoldExec>() else {
            return Err(unknown("an operator that is none of ours"));
        };
        let accounts: &[u8] = match fold.accounts() {
            Accounts::Single => b"single",
            Accounts::Shared => b"shared",
        };
        bytes.extend(accounts);
        Ok(())
    }
}

fn unknown(message: &str) -> DataFusionError {
    DataFusionError::Plan(message.to_owned())
}
