//! Folders of files: policies and fixtures. The only module that touches the file system.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use handover_engine::policy::Files;

/// Nested folders that are read.
const FOLDERS_MAX: usize = 8;
/// Files that a folder may hold.
const FILES_MAX: usize = 10_000;
/// Bytes of one file.
const FILE_BYTES_MAX: u64 = 4 * 1_024 * 1_024;

/// Bytes that are read at once.
const INPUT_BYTES: usize = 64 * 1_024;

/// Reads the `.json` and `.rhai` files of a policy's folder.
///
/// # Errors
/// The folder or a file cannot be read, or is no UTF-8 text.
pub fn policy(folder: &Path) -> Result<Files> {
    Ok(Files(texts(folder, "--rules", &["json", "rhai"])?))
}

/// Reads the `.json` files of a folder of fixtures.
///
/// # Errors
/// As [`policy`].
pub fn fixtures(folder: &Path) -> Result<BTreeMap<String, String>> {
    texts(folder, "--fixtures", &["json"])
}

fn texts(folder: &Path, flag: &str, extensions: &[&str]) -> Result<BTreeMap<String, String>> {
    if !folder.is_dir() {
        let what = if folder.exists() { "is no folder" } else { "is not there" };
        bail!("the folder `{}` {what}: name another with `{flag}`", folder.display());
    }
    let mut files = BTreeMap::new();
    collect(folder, "", 0, extensions, &mut files)?;
    Ok(files)
}

fn collect(
    folder: &Path,
    prefix: &str,
    depth: usize,
    extensions: &[&str],
    files: &mut BTreeMap<String, String>,
) -> Result<()> {
    if depth > FOLDERS_MAX || files.len() > FILES_MAX {
        bail!("`{}` has more than {FOLDERS_MAX} nested folders or {FILES_MAX} files", folder.display());
    }
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.is_empty() || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), depth + 1, extensions, files)?;
        } else if path.extension().and_then(|end| end.to_str()).is_some_and(|end| extensions.contains(&end)) {
            files.insert(format!("{prefix}{name}"), marked(bytes(&path)?));
        }
    }
    Ok(())
}

/// Reads one text file.
///
/// # Errors
/// It cannot be read, is too large, or is no UTF-8.
pub fn text(path: &Path) -> Result<String> {
    String::from_utf8(bytes(path)?).with_context(|| format!("`{}` is not UTF-8", path.display()))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let named = || format!("cannot read `{}`", path.display());
    if fs::metadata(path).with_context(named)?.len() > FILE_BYTES_MAX {
        bail!("`{}` is larger than {FILE_BYTES_MAX} bytes", path.display());
    }
    fs::read(path).with_context(named)
}

/// The text of an author's file; where it is not UTF-8 stands a zero, which no file of a policy may hold, so that whoever
/// reads it says so at its place, and the other files are read.
fn marked(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let (before, after) = bytes.split_at_checked(valid).unwrap_or((&bytes, &[]));
        let after = after.get(1..).unwrap_or_default();
        format!("{}\0{}", String::from_utf8_lossy(before), String::from_utf8_lossy(after))
    })
}

/// Reads a regular file that may be read again later: a pipe could keep its reader waiting for ever.
///
/// # Errors
/// As [`text`], or it is something else.
pub fn regular_text(path: &Path) -> Result<String> {
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        bail!("`{}` is no regular file", path.display());
    }
    text(path)
}

/// A file or standard input, buffered.
pub type Input = BufReader<Box<dyn Read + Send>>;

/// Opens a file, or standard input where the path is `-` or absent.
///
/// # Errors
/// The file cannot be opened.
pub fn input(path: Option<&Path>) -> Result<Input> {
    let source: Box<dyn Read + Send> = match path.filter(|path| *path != Path::new("-")) {
        None => Box::new(std::io::stdin()),
        Some(path) => Box::new(fs::File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?),
    };
    Ok(BufReader::with_capacity(INPUT_BYTES, source))
}

/// Reads all of a file, or of standard input.
///
/// # Errors
/// It cannot be read.
pub fn input_bytes(path: Option<&Path>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file, over what it held.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Writes a new file and the folders that it needs; says whether it did: a file that is there stays as it is.
///
/// # Errors
/// It cannot be written.
pub fn write_new(path: &str, text: &str) -> Result<bool> {
    let path = Path::new(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    match fs::File::create_new(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))?;
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot write `{}`", path.display())),
    }
}

/// Whether a folder is empty, or not there.
///
/// # Errors
/// It is no folder, or cannot be read.
pub fn is_vacant(folder: &Path) -> Result<bool> {
    if !folder.exists() {
        return Ok(true);
    }
    let mut entries = fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    Ok(entries.next().is_none())
}
