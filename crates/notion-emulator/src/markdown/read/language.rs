//! The languages of code blocks, as people call them. Notion gives its own name back: `ts` becomes `typescript`.
//! Source: recorded by users of the API, May 2026; which other short names it knows is a guess.

use crate::content::languages::LANGUAGES;

/// Short names.
const ALIASES: [(&str, &str); 22] = [
    ("cpp", "c++"),
    ("cs", "c#"),
    ("csharp", "c#"),
    ("dockerfile", "docker"),
    ("fs", "f#"),
    ("golang", "go"),
    ("hs", "haskell"),
    ("js", "javascript"),
    ("jsx", "javascript"),
    ("kt", "kotlin"),
    ("md", "markdown"),
    ("plaintext", "plain text"),
    ("ps1", "powershell"),
    ("py", "python"),
    ("rb", "ruby"),
    ("rs", "rust"),
    ("sh", "shell"),
    ("tex", "latex"),
    ("ts", "typescript"),
    ("tsx", "typescript"),
    ("yml", "yaml"),
    ("zsh", "shell"),
];

/// The language that a fence names; plain text, if it names none that is known.
pub(super) fn language_of(name: &str) -> &'static str {
    let name = name.to_lowercase();
    let known = |wanted: &str| LANGUAGES.iter().find(|language| **language == wanted).copied();
    let alias = || ALIASES.iter().find(|(alias, _)| *alias == name).and_then(|(_, name)| known(name));
    known(&name).or_else(alias).unwrap_or("plain text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_become_notions_own() {
        assert_eq!(language_of("ts"), "typescript");
        assert_eq!(language_of("Rust"), "rust");
        assert_eq!(language_of("nonsense"), "plain text");
        for (alias, name) in ALIASES {
            assert_eq!(language_of(alias), name);
        }
    }
}
