//! Rust files as text, for tests that hold rules over them: comments and literals are blanked, tests are cut out, line
//! numbers stay.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A file under `src`.
pub struct Source {
    /// Its path from `src`, with slashes.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// The same without comments, literals and tests.
    pub code: String,
}

impl Source {
    /// The first part of its path, without `.rs`: the layer it belongs to.
    pub fn layer(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The lines of code that hold one of these words, as `path:line: text`.
    pub fn mentions(&self, words: &[&str]) -> Vec<String> {
        let found =
            self.code.lines().enumerate().filter(|(_, line)| words.iter().any(|word| has_word(line, word)));
        found.map(|(index, line)| format!("{}:{}: {}", self.path, index + 1, line.trim())).collect()
    }
}

/// Whether a line has a word that does not continue another: `diesel` is in `use diesel::x` and not in `biodiesel`.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Every file under `src` that is compiled outside tests.
pub fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(read_all)
}

fn read_all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("a source file");
    let test_files: Vec<PathBuf> = files.iter().flat_map(|path| test_modules(path, &read(path))).collect();
    files
        .iter()
        .filter(|path| !test_files.contains(path))
        .map(|path| {
            let text = read(path);
            let relative = path.strip_prefix(&root).expect("under src");
            Source {
                path: relative.to_string_lossy().replace('\\', "/"),
                code: without_tests(&blanked(&text)),
                text,
            }
        })
        .collect()
}

fn walk(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// The files of `#[cfg(test)] mod name;` in a file.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let place = match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") | None => path.with_file_name(""),
        Some(_) => path.with_extension(""),
    };
    let code = blanked(text);
    let after = |at: usize| code[at + TEST.len()..].trim_start();
    let names = code.match_indices(TEST).filter_map(|(at, _)| {
        let item = after(at);
        let (visibility, item) = item.split_once("mod ")?;
        let (name, _) = item.split_once(';')?;
        let is_file =
            matches!(visibility.trim(), "" | "pub" | "pub(crate)" | "pub(super)") && !name.contains('{');
        is_file.then(|| place.join(format!("{}.rs", name.trim())))
    });
    names.collect()
}

const TEST: &str = "#[cfg(test)]";

/// Blanks whatever stands under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(at) = out.find(TEST) {
        let rest = &out[at..];
        let brace = rest.find('{').unwrap_or(rest.len());
        let semicolon = rest.find(';').unwrap_or(rest.len());
        let length = if semicolon < brace {
            semicolon + 1
        } else {
            block_length(&rest[brace..]).map_or(rest.len(), |block| brace + block)
        };
        let hole: String = rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(at..at + length, &hole);
    }
    out
}

/// The length of the block that begins with this text's first character, a brace.
pub fn block_length(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Blanks comments and literals; line ends stay.
pub fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut word_before = false;
    while let Some(c) = rest.chars().next() {
        let length = skip_length(rest, word_before);
        match length {
            Some(length) => {
                let (hole, after) = rest.split_at(length);
                out.extend(hole.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
                rest = after;
                word_before = false;
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                word_before = c.is_alphanumeric() || c == '_';
            }
        }
    }
    out
}

/// The length of the comment or literal that begins here.
fn skip_length(rest: &str, word_before: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(rest.find("*/").map_or(rest.len(), |at| at + 2));
    }
    if rest.starts_with('"') {
        return Some(string_length(rest));
    }
    if word_before {
        return None;
    }
    let raw = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'));
    if let Some(raw) = raw {
        let hashes: String = raw.chars().take_while(|c| *c == '#').collect();
        if raw[hashes.len()..].starts_with('"') {
            let end = format!("\"{hashes}");
            let body = &raw[hashes.len() + 1..];
            let inside = body.find(&end).map_or(body.len(), |at| at + end.len());
            return Some(rest.len() - body.len() + inside);
        }
    }
    char_length(rest)
}

fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character literal, and no lifetime.
fn char_length(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    if let Some(escape) = body.strip_prefix('\\') {
        let skipped = escape.chars().next()?.len_utf8();
        return escape[skipped..].find('\'').map(|at| 2 + skipped + at + 1);
    }
    let c = body.chars().next()?;
    body[c.len_utf8()..].starts_with('\'').then_some(2 + c.len_utf8())
}
