//! The service's statements, run by pgbench.

use std::ops::Range;

use brama_e2e::durable::Durable;

use super::rows::{CLIENT, Kind, USER};

/// Statements that the service sends for one deletion, between BEGIN and COMMIT, each with its `$1` and `$2`.
fn statements(kind: Kind) -> &'static [(&'static str, &'static str, &'static str)] {
    match kind {
        Kind::Connection => &[(
            "DELETE FROM mithril.connections AS key WHERE id = $1::uuid AND client_id = $2::uuid AND NOT EXISTS (
                 SELECT 1 FROM brama.cutoffs
                 WHERE subject IN (key.client_id, key.consumer_id) AND number > key.issued AND kind = 'client')
             RETURNING id::text",
            ROW,
            CLIENT,
        )],
        Kind::Division => &[
            (
                "SELECT contract.type FROM prm.contract_divisions AS division
                 JOIN prm.contracts AS contract ON contract.id = division.contract_id
                 WHERE division.id = $1::uuid AND division.is_active
                 FOR UPDATE OF division FOR SHARE OF contract",
                ROW,
                "",
            ),
            (
                "UPDATE prm.contract_divisions
                 SET is_active = false, updated_at = clock_timestamp(), updated_by = $1::uuid
                 WHERE id = $2::uuid AND is_active
                     AND EXISTS (SELECT 1 FROM prm.contracts AS contract WHERE contract.id = contract_id AND type = 'GB_CBP')
                 RETURNING id::text",
                USER,
                ROW,
            ),
        ],
    }
}

/// Deletes these rows, half of them on each of two connections, and returns the rate a second.
pub fn delete(database: &Durable, kind: Kind, rows: Range<usize>) -> f64 {
    let script = database.place().folder.join("script.sql");
    std::fs::write(&script, written(kind)).unwrap();
    // The server's own version, which is beside the server where links on PATH lead.
    let server = database.place().programs.join("postgres").canonicalize().unwrap();
    let mut command = database.place().command(&server.with_file_name("pgbench"));
    command.args(["--no-vacuum", "-M", "prepared", "-c", "2", "-j", "2", "-U", "brama", "-h"]);
    command.arg(&database.place().folder).args(["-t", &(rows.len() / 2).to_string(), "-D"]);
    // Variables are each connection's own: one takes the even rows, the other the odd ones.
    command.arg(format!("last={}", i64::try_from(rows.start).unwrap() - 2)).arg("-f").arg(&script).arg("postgres");
    let output = command.output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    let processed = format!("number of transactions actually processed: {0}/{0}", rows.len());
    assert!(report.contains(&processed), "{report}");
    let rate = report.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap();
    rate.split(' ').next().unwrap().parse().unwrap()
}

fn written(kind: Kind) -> String {
    let row = format!("('{}' || lpad(:row::text, 12, '0'))", kind.prefix());
    let value = |text: &str| if text == ROW { row.clone() } else { format!("'{text}'") };
    let statements: Vec<String> = statements(kind)
        .iter()
        .map(|(statement, first, second)| {
            let in_source = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let source = in_source(include_str!("../../src/store/deletion.rs"));
            assert!(source.contains(&in_source(statement)), "the service does not send `{statement}`");
            format!("{};\n", in_source(statement).replace("$1", &value(first)).replace("$2", &value(second)))
        })
        .collect();
    format!("\\set last :last + 2\n\\set row :last + :client_id\nBEGIN;\n{}COMMIT;\n", statements.concat())
}

/// Placeholder for the row's id.
const ROW: &str = "row";
