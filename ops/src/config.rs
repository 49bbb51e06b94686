//! `sillage config`: every setting with its source.

use comfy_table::{Table, presets};

use crate::cli::ConfigArgs;
use crate::output;

/// Runs the command.
pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<()> {
    let shown = args.place.settings(&args.common)?.shown();
    if args.common.json {
        output::json(&shown)?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["setting", "value", "source"]);
    for setting in shown {
        let source = serde_json::to_value(setting.source)?;
        let source = source.as_str().unwrap_or_default().to_owned();
        table.add_row([setting.name, setting.value.to_string(), source]);
    }
    output::lines(&table.to_string())?;
    Ok(())
}
