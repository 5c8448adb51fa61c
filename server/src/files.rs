//! Folders of files: policies and fixtures. The only module that touches the file system.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use handover_engine::policy::Files;

/// Nested folders that are read.
const NESTING_MAX: usize = 8;
/// Folders that are read, the first included.
const FOLDERS_MAX: usize = 512;
/// Bytes of one file.
const FILE_BYTES_MAX: u64 = 1_024 * 1_024;

/// Bytes that are read at once.
const INPUT_BYTES: usize = 64 * 1_024;

/// What a folder may hold.
#[derive(Clone, Copy)]
struct Bounds {
    /// The flag that names it.
    flag: &'static str,
    extensions: &'static [&'static str],
    files: usize,
    bytes: u64,
}

const POLICY: Bounds = Bounds { flag: "--rules", extensions: &["json", "rhai"], files: 512, bytes: 16 * 1_024 * 1_024 };
const FIXTURES: Bounds = Bounds { flag: "--fixtures", extensions: &["json"], files: 10_000, bytes: 64 * 1_024 * 1_024 };

/// Reads the `.json` and `.rhai` files of a policy's folder: regular files, and links to others inside of it.
///
/// # Errors
/// The folder or a file cannot be read, or holds more than it may.
pub fn policy(folder: &Path) -> Result<Files> {
    Ok(Files(texts(folder, POLICY)?))
}

/// Reads the `.json` files of a folder of fixtures.
///
/// # Errors
/// As [`policy`].
pub fn fixtures(folder: &Path) -> Result<BTreeMap<String, String>> {
    texts(folder, FIXTURES)
}

fn texts(folder: &Path, bounds: Bounds) -> Result<BTreeMap<String, String>> {
    if !folder.is_dir() {
        let what = if folder.exists() { "is not a folder" } else { "is not there" };
        bail!("the folder `{}` {what}: name another with `{}`", shown(folder), bounds.flag);
    }
    let root = folder.canonicalize().with_context(|| format!("cannot read `{}`", shown(folder)))?;
    let mut reader = Reader { root, bounds, folders: 0, bytes: 0, files: BTreeMap::new() };
    reader.collect(folder, "", 0)?;
    Ok(reader.files)
}

/// Reads one folder and the folders in it.
struct Reader {
    /// No file outside of it is read.
    root: PathBuf,
    bounds: Bounds,
    folders: usize,
    bytes: u64,
    files: BTreeMap<String, String>,
}

impl Reader {
    fn collect(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<()> {
        self.folders += 1;
        if depth > NESTING_MAX || self.folders > FOLDERS_MAX {
            bail!(
                "`{}` is nested in more than {NESTING_MAX} folders, or one of more than {FOLDERS_MAX}",
                shown(folder)
            );
        }
        let unreadable = || format!("cannot read `{}`", shown(folder));
        let entries = fs::read_dir(folder).with_context(unreadable)?.collect::<std::io::Result<Vec<_>>>();
        let mut paths: Vec<_> = entries.with_context(unreadable)?.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let is_read = path.extension().is_some_and(|end| self.bounds.extensions.iter().any(|own| end == *own));
            if path.is_dir() {
                self.inside(&path, Some(folder))?;
                self.collect(&path, &format!("{prefix}{}/", named(&path)?), depth + 1)?;
            } else if is_read {
                self.inside(&path, None)?;
                let text = self.text(&path)?;
                self.files.insert(format!("{prefix}{}", named(&path)?), text);
            }
        }
        Ok(())
    }

    /// A link leads to a place inside of the folder, and a folder does not hold itself.
    fn inside(&self, path: &Path, holder: Option<&Path>) -> Result<()> {
        if !path.is_symlink() {
            return Ok(());
        }
        let target = path.canonicalize().with_context(|| format!("cannot follow the link `{}`", shown(path)))?;
        if !target.starts_with(&self.root) {
            bail!("`{}` is a link to a place outside of the folder: put the file itself there", shown(path));
        }
        if holder.is_some_and(|holder| holder.canonicalize().is_ok_and(|holder| holder.starts_with(&target))) {
            bail!("`{}` is a link to a folder that contains it: remove the link", shown(path));
        }
        Ok(())
    }

    fn text(&mut self, path: &Path) -> Result<String> {
        if self.files.len() >= self.bounds.files {
            bail!("`{}` is file number {}: a folder may hold {}", shown(path), self.files.len() + 1, self.bounds.files);
        }
        regular(path)?;
        let bytes = bytes(path)?;
        self.bytes += bytes.len() as u64;
        if self.bytes > self.bounds.bytes {
            bail!("`{}` holds more than {} bytes in all its files", shown(&self.root), self.bounds.bytes);
        }
        Ok(marked(bytes))
    }
}

/// The name of a file as reports print it.
fn named(path: &Path) -> Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    match name.filter(|name| !name.chars().any(char::is_control)) {
        Some(name) => Ok(name),
        None => bail!("the name of `{}` holds a control character, or is not UTF-8: rename it", shown(path)),
    }
}

/// A path for people: a terminal obeys no part of it.
#[must_use]
pub fn shown(path: &Path) -> String {
    let escaped = |one: char| if one.is_control() { one.escape_default().collect() } else { one.to_string() };
    path.to_string_lossy().chars().map(escaped).collect()
}

/// Reads one text file.
///
/// # Errors
/// It cannot be read, is too large, or is no UTF-8.
pub fn text(path: &Path) -> Result<String> {
    String::from_utf8(bytes(path)?).with_context(|| format!("`{}` is not UTF-8", shown(path)))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let unreadable = || format!("cannot read `{}`", shown(path));
    // what has no end says no length
    let mut source = fs::File::open(path).with_context(unreadable)?.take(FILE_BYTES_MAX + 1);
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes).with_context(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        bail!("`{}` is larger than {FILE_BYTES_MAX} bytes", shown(path));
    }
    Ok(bytes)
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

/// Reads a regular file that may be read again later.
///
/// # Errors
/// As [`text`], or it is something else.
pub fn regular_text(path: &Path) -> Result<String> {
    regular(path)?;
    text(path)
}

/// Whether a file is there and holds something.
#[must_use]
pub fn has_bytes(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() > 0)
}

/// Which file a path names, and how long it is.
#[derive(Clone, Copy)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
}

impl Stamp {
    /// Of the file that is there now.
    ///
    /// # Errors
    /// There is none.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self::from(&path.metadata()?))
    }

    /// Of a file that is open.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn of_open(file: &fs::File) -> std::io::Result<Self> {
        Ok(Self::from(&file.metadata()?))
    }

    fn from(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len() }
    }

    /// Whether it is the same file, and no shorter.
    #[must_use]
    pub fn continues(self, before: Self) -> bool {
        (self.device, self.inode) == (before.device, before.inode) && self.bytes >= before.bytes
    }
}

/// Reads a file that only its owner may read.
///
/// # Errors
/// It cannot be read, or others may read it.
pub fn private_text(path: &Path) -> Result<String> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = path.metadata().with_context(|| format!("cannot read `{}`", shown(path)))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        bail!("`{}` can be read by others: `chmod 600` it", shown(path));
    }
    regular_text(path)
}

/// Makes a file that only its owner may read, whole or not at all, and waits until it is on the disk. Leaves what is there
/// already.
///
/// # Errors
/// It cannot be written.
pub fn make_private(path: &Path, write: impl FnOnce(fs::File) -> Result<()>) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let unwritable = || format!("cannot write `{}`", shown(path));
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness for a name: {error}"))?;
    let part = PathBuf::from(format!("{}.{:x}.part", path.display(), u64::from_le_bytes(random)));
    let mut options = fs::OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(&part).with_context(unwritable)?;
    let written = file.try_clone().map_err(Into::into).and_then(write).and_then(|()| Ok(file.sync_all()?));
    // the name is given only where nothing has it
    let named = written.and_then(|()| match fs::hard_link(&part, path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    });
    drop(fs::remove_file(&part));
    named.with_context(unwritable)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(unwritable)
}

/// Opens a file that is read and written by turns.
///
/// # Errors
/// It is not there, or may not be read or written.
pub fn open_to_change(path: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().read(true).write(true).open(path)
}

/// A pipe could keep its reader waiting for ever, and a device has no end.
fn regular(path: &Path) -> Result<()> {
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        bail!("`{}` is not a regular file: move it out of the folder", shown(path));
    }
    Ok(())
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
        Some(path) => Box::new(fs::File::open(path).with_context(|| format!("cannot read `{}`", shown(path)))?),
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
    fs::write(path, text).with_context(|| format!("cannot write `{}`", shown(path)))
}

/// Writes a new file and the folders that it needs; says whether it did: a file that is there stays as it is.
///
/// # Errors
/// It cannot be written.
pub fn write_new(path: &str, text: &str) -> Result<bool> {
    let path = Path::new(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", shown(folder)))?;
    }
    match fs::File::create_new(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", shown(path)))?;
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot write `{}`", shown(path))),
    }
}

/// Whether a folder is empty, or not there.
///
/// # Errors
/// It is not a folder, or cannot be read.
pub fn is_vacant(folder: &Path) -> Result<bool> {
    if !folder.exists() {
        return Ok(true);
    }
    let mut entries = fs::read_dir(folder).with_context(|| format!("cannot read `{}`", shown(folder)))?;
    Ok(entries.next().is_none())
}
