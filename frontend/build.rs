//! Embeds what the pages need beside HTML: our own files and single files of npm packages, each named by its content
//! and compressed once, here. It fetches nothing: `make assets` does.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

/// The name by which templates ask for a file, and where its parts lie: what is always loaded together is one request.
const FILES: [(&str, &[&str]); 6] = [
    ("theme.css", &["assets/theme.css"]),
    ("app.js", &["assets/app.js"]),
    ("live.js", &["assets/live.js"]),
    ("favicon.svg", &["assets/favicon.svg"]),
    ("basecoat.css", &["node_modules/basecoat-css/dist/basecoat.cdn.min.css"]),
    (
        "htmx.js",
        &[
            "node_modules/htmx.org/dist/htmx.min.js",
            "node_modules/htmx.org/dist/ext/hx-csp.min.js",
            "node_modules/htmx.org/dist/ext/hx-sse.min.js",
        ],
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=templates");
    println!("cargo::rerun-if-changed=askama.toml");
    let parts = || FILES.iter().flat_map(|(_, parts)| *parts);
    for file in parts() {
        println!("cargo::rerun-if-changed={file}");
    }
    if let Some(missing) = parts().find(|file| !Path::new(file).is_file()) {
        println!("cargo::error=frontend/{missing} is missing: run `make assets` (it needs Node.js and npm)");
        return Ok(());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut table = String::from("pub static ASSETS: &[Asset] = &[\n");
    for (name, parts) in FILES {
        let parts = parts.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
        table += &embed(&out, name, &parts.join(b"\n".as_slice()))?;
    }
    table += "];\n";
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// Writes both forms of a file to `out`; returns its line of the table.
fn embed(out: &Path, name: &str, bytes: &[u8]) -> Result<String, Box<dyn Error>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    fs::write(out.join(name), bytes)?;
    fs::write(out.join(format!("{name}.gz")), encoder.finish()?)?;
    let (stem, extension) = name.rsplit_once('.').ok_or("a name has an extension")?;
    let content_type = match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return Err(format!("what is the content type of {name}?").into()),
    };
    let path = format!("/assets/{stem}-{:016x}.{extension}", fnv1a(bytes));
    let mut line = String::new();
    writeln!(line, "    Asset {{ name: {name:?}, path: {path:?}, content_type: {content_type:?},")?;
    writeln!(line, "        plain: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\")),")?;
    writeln!(line, "        gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.gz\")) }},")?;
    Ok(line)
}

/// Tells one version of a file from another; nobody is kept from forging it, and nobody gains by that.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
