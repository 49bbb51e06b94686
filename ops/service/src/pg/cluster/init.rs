//! Making a cluster, and the settings that it starts with.

use std::fs;
use std::path::Path;

use super::account::{Account, failed, run};
use super::binaries::Programs;
use super::place::Place;
use super::{APPLICATION, ClusterError, ClusterSettings, SUPERUSER};

/// The port only names the socket file: no TCP port is opened.
const PORT: u16 = 5432;

/// Makes the cluster: whole, with its roles and its database, or not at all. PGDATA is made under
/// another name and renamed at the end.
pub(super) fn make(
    place: &Place,
    programs: &Programs,
    account: &Account,
    settings: &ClusterSettings,
) -> Result<(), ClusterError> {
    // A name of its own: an initdb whose Sillage was killed may still be writing.
    let name = format!("data.new.{}", std::process::id());
    let fresh = place.folder().join(name);
    let password_file = place.folder().join("password.new");
    // What starts that were broken off have left goes first, as far as it goes.
    account.script(r#"rm -rf "$1"/data.new.* || true"#, &[place.folder()], "")?;
    account.write_file(&password_file, place.superuser_password())?;
    initdb(&fresh, &password_file, programs, account, settings)
        .and_then(|()| make_roles(place, &fresh, programs, account, settings))
        .map_err(|detail| failed(place.folder(), detail))?;
    // PostgreSQL's own file of settings stays the operator's; ours is written anew at each start.
    account.script(
        r#"rm -f "$3"; echo "include_if_exists = 'sillage.conf'" >> "$1/postgresql.conf"; sync "$1/postgresql.conf"; mv -T "$1" "$2""#,
        &[&fresh, &place.pgdata(), &password_file],
        "",
    )
}

fn initdb(
    fresh: &Path,
    password_file: &Path,
    programs: &Programs,
    account: &Account,
    settings: &ClusterSettings,
) -> Result<(), String> {
    let mut command = account.command(programs.path("initdb"));
    command
        .arg("--pgdata")
        .arg(fresh)
        .args(["--username", SUPERUSER, "--pwfile"])
        .arg(password_file)
        .args(["--auth", "scram-sha-256", "--data-checksums"])
        // Bytes in their own order: the same on every system and after every upgrade of its
        // libraries, which re-sort the text of other locales under the feet of the indexes.
        .args(["--encoding", "UTF8", "--locale", "C"])
        .arg("--no-instructions");
    if !settings.durable {
        command.arg("--no-sync");
    }
    run(command, "")
}

/// The application's role and database, made by a server without network in single-user mode: no
/// connection is ever made as the superuser.
fn make_roles(
    place: &Place,
    fresh: &Path,
    programs: &Programs,
    account: &Account,
    settings: &ClusterSettings,
) -> Result<(), String> {
    let mut command = account.command(programs.path("postgres"));
    command.arg("--single").arg("-D").arg(fresh);
    // `-j` is not given: each line is a command.
    command.args([
        "-c",
        "exit_on_error=on",
        "-c",
        "log_min_error_statement=panic",
    ]);
    if !settings.durable {
        command.args(["-c", "fsync=off"]);
    }
    command.arg("postgres");
    let sql = format!(
        "create role {APPLICATION} login nosuperuser nocreatedb nocreaterole password '{}';\n\
         create database {APPLICATION} owner {APPLICATION} template template0 encoding 'UTF8';\n\
         revoke all on database {APPLICATION} from public;\n",
        place.password()
    );
    run(command, &sql)
}

/// Writes the settings that Sillage wants, and gives the port.
pub(super) fn configure(
    place: &Place,
    account: &Account,
    settings: &ClusterSettings,
) -> Result<u16, ClusterError> {
    let socket = place.make_socket_folder(account)?;
    let socket = socket.to_str().ok_or_else(|| ClusterError::Damaged {
        path: socket.clone(),
        detail: "the path is not UTF-8".to_owned(),
    })?;
    let durable = if settings.durable { "on" } else { "off" };
    let text = format!(
        "# Written by Sillage at each start. Settings of your own go into postgresql.auto.conf\n\
         # (alter system), which is read after this file.\n\
         listen_addresses = ''\n\
         port = {PORT}\n\
         unix_socket_directories = {socket}\n\
         unix_socket_permissions = 0700\n\
         password_encryption = 'scram-sha-256'\n\
         # An acknowledged statement is a committed one, on the disk.\n\
         fsync = {durable}\n\
         full_page_writes = {durable}\n\
         synchronous_commit = {durable}\n\
         max_connections = 100\n\
         shared_buffers = '{shared_buffers}MB'\n\
         effective_cache_size = '{cache}MB'\n\
         maintenance_work_mem = '128MB'\n\
         max_wal_size = '2GB'\n\
         checkpoint_timeout = '15min'\n\
         random_page_cost = 1.1\n\
         # Short queries by key: compiling them costs more than it gives.\n\
         jit = off\n\
         # Ready means that a recovery is over, and not that it can be watched.\n\
         hot_standby = off\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         # No statement, parameter or key value in the log: they are personal data.\n\
         log_min_error_statement = 'panic'\n\
         log_error_verbosity = 'terse'\n\
         log_parameter_max_length = 0\n\
         log_parameter_max_length_on_error = 0\n",
        socket = quoted(socket),
        shared_buffers = (memory_mb() / 8).clamp(128, 2048),
        cache = (memory_mb() / 2).max(256),
    );
    account.write_file(&place.pgdata().join("sillage.conf"), &text)?;
    Ok(PORT)
}

/// A string of `postgresql.conf`.
fn quoted(text: &str) -> String {
    // A list of folders is split at commas unless each stands in double quotes.
    format!(
        "'\"{}\"'",
        text.replace('\\', "\\\\")
            .replace('\'', "''")
            .replace('"', "\"\"")
    )
}

/// The machine's memory, or a modest guess.
fn memory_mb() -> u64 {
    fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(1024, |kb| kb / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_for_the_settings() {
        assert_eq!(quoted("/a b/it's, \"x\""), "'\"/a b/it''s, \"\"x\"\"\"'");
    }
}
