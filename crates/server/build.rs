//! Packs what was built of the web pages (`web/dist`) into the program, each file compressed once and for all.
//!
//! A checkout where they were never built yields a program that says so in their place.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let built = manifest.join("../../web/dist");
    // Cargo would build this crate each time while what it watches does not exist. A checkout that cannot be written
    // to only costs that.
    let _ = fs::create_dir_all(&built);
    println!("cargo::rerun-if-changed={}", built.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if built.is_dir() {
        collect(&built, &built, &mut files)?;
    }
    files.sort();
    let mut list = String::from("[\n");
    for (number, (name, path)) in files.iter().enumerate() {
        let packed = format!("packed-{number}.gz");
        fs::write(out.join(&packed), compressed(&fs::read(path)?)?)?;
        writeln!(list, "    Packed {{ path: {name:?}, gzip: include_bytes!({packed:?}) }},")
            .map_err(io::Error::other)?;
    }
    list.push_str("]\n");
    fs::write(out.join("web_files.rs"), list)
}

/// All files below a folder, by their path from `root` with `/` between folders.
fn collect(root: &Path, folder: &Path, into: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, into)?;
        } else if let Ok(below) = path.strip_prefix(root) {
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            into.push((parts.join("/"), path));
        }
    }
    Ok(())
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
