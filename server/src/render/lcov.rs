//! Coverage as `lcov` reads it: a line is a place's, a branch each of its sides.

use std::collections::BTreeMap;
use std::fmt::Write;

use handover_engine::diagnostic::Covered;

/// A tracefile of places, which stand in the order of their files; `folder` is the one that the files are below.
#[must_use]
pub fn lcov(places: &[Covered], folder: &str) -> String {
    let folder = folder.trim_end_matches('/');
    let mut out = String::new();
    for file in places.chunk_by(|a, b| a.at.span.file == b.at.span.file) {
        let name = file.first().map(|place| place.at.span.file.as_str()).unwrap_or_default();
        // writing to a string cannot fail
        let _ = write!(out, "TN:\nSF:{folder}/{name}\n{}end_of_record\n", records(file));
    }
    out
}

/// The lines and branches of one file.
fn records(places: &[Covered]) -> String {
    let mut lines: BTreeMap<usize, u64> = BTreeMap::new();
    let mut branches = Vec::new();
    for (block, place) in places.iter().enumerate() {
        let line = place.at.span.start.line;
        let came: u64 = place.sides.iter().map(|(_, count)| count).sum();
        let most = lines.entry(line).or_default();
        *most = came.max(*most);
        // one side is a line and no branch
        let sides = place.sides.iter().enumerate().filter(|_| place.sides.len() > 1);
        branches.extend(sides.map(|(branch, (_, count))| (line, block, branch, *count)));
    }
    let mut out = String::new();
    for (line, block, branch, count) in &branches {
        let _ = writeln!(out, "BRDA:{line},{block},{branch},{count}");
    }
    let taken = branches.iter().filter(|(.., count)| *count > 0).count();
    let _ = writeln!(out, "BRF:{}\nBRH:{taken}", branches.len());
    for (line, count) in &lines {
        let _ = writeln!(out, "DA:{line},{count}");
    }
    let hit = lines.values().filter(|count| **count > 0).count();
    let _ = writeln!(out, "LF:{}\nLH:{hit}", lines.len());
    out
}
