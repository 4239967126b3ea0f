//! A command of the repo's own, as the workflow file says it: words, and no shell. `{{name}}` stands for what a step fills in.
//!
//! Invariant: what is filled in is one word or several, never a part of the command's own language.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Run, environment};
use crate::failure::Failure;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command(Vec<String>);

/// Options by which a package manager runs the scripts of other packages than the one in whose folder it is typed.
const ELSEWHERE: &[&str] =
    &["--cwd", "--dir", "-C", "--prefix", "--filter", "-F", "--workspace", "-w", "--workspaces", "--recursive", "-r"];

/// Verbs of package managers before which options may stand, and after which the name of a script stands.
const RUN: &[&str] = &["run", "run-script"];

impl Command {
    /// Reads `bun run "my script" --name {{name}}`. Errors: no word at all, a quote that does not end.
    pub fn parse(text: &str) -> std::result::Result<Command, String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for c in text.chars() {
            match quote {
                Some(open) if c == open => quote = None,
                Some(_) => word.get_or_insert_default().push(c),
                None if c == '"' || c == '\'' => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                None if c.is_whitespace() => words.extend(word.take()),
                None => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        match quote {
            Some(open) => Err(format!("a {open} has no end: {text}")),
            None if words.is_empty() => Err("it is empty".to_owned()),
            None => Ok(Command(words)),
        }
    }

    /// `{{name}}` replaced: a word of its own by as many words as there are values, inside a word by the first.
    #[must_use]
    pub fn fill(&self, name: &str, values: &[String]) -> Command {
        let mark = format!("{{{{{name}}}}}");
        let first = values.first().map_or("", String::as_str);
        let filled = |word: &String| match *word == mark {
            true => values.to_vec(),
            false => vec![word.replace(&mark, first)],
        };
        Command(self.0.iter().flat_map(filled).collect())
    }

    /// Without the words that this is true of.
    #[must_use]
    pub fn without(&self, unwanted: impl Fn(&str) -> bool) -> Command {
        Command(self.0.iter().filter(|word| !unwanted(word)).cloned().collect())
    }

    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// As a person types it.
    #[must_use]
    pub fn shown(&self) -> String {
        let Some((program, args)) = self.0.split_first() else { return String::new() };
        Run::new(program, "/").args(args).display()
    }

    /// The script that it calls by a package manager, of the `package.json` in the folder where it runs, if that is what it does.
    #[must_use]
    pub fn script(&self) -> Option<&str> {
        let (program, args) = self.0.split_first()?;
        let is_elsewhere = |word: &&String| ELSEWHERE.contains(&word.split('=').next().unwrap_or_default());
        if args.iter().take_while(|word| *word != "--").any(|word| is_elsewhere(&word)) {
            return None;
        }
        let mut words = args.iter().map(String::as_str).filter(|word| !word.starts_with('-'));
        let verb = ["bun", "npm", "pnpm", "yarn"].contains(&program.as_str()).then(|| words.next()).flatten()?;
        RUN.contains(&verb).then(|| words.next()).flatten()
    }

    /// To run in `folder` of the tree `root`. Our bun is the one that is called, by this command and by scripts that it runs;
    /// programs of the repo's packages are found as its package manager would.
    ///
    /// Errors (environment): there is no such program.
    pub fn run(&self, bun: &Path, root: &Path, folder: &Path, env: &BTreeMap<String, String>) -> Result<Run> {
        let (program, args) = self.0.split_first().map_or(("", &[][..]), |(program, args)| (program.as_str(), args));
        let path = path(bun, root, folder, env);
        let (program, first): (PathBuf, &[&str]) = match program {
            "bun" => (bun.to_owned(), &[]),
            "bunx" => (bun.to_owned(), &["x"]),
            other => (find(other, folder, &path).ok_or_else(|| missing(other))?, &[]),
        };
        let mut run = Run::new(program, folder).args(first.iter().copied()).args(args);
        run.env.clone_from(env);
        run.env.insert("PATH".to_owned(), path);
        Ok(run)
    }
}

fn path(bun: &Path, root: &Path, folder: &Path, env: &BTreeMap<String, String>) -> String {
    let known = env.get("PATH").cloned().or_else(|| environment::var("PATH")).unwrap_or_default();
    let ours = bun.parent().filter(|folder| folder.is_absolute()).map(Path::to_owned);
    let packages =
        folder.ancestors().take_while(|above| above.starts_with(root)).map(|above| above.join("node_modules/.bin"));
    let all = ours.into_iter().chain(packages).map(|folder| folder.to_string_lossy().into_owned());
    all.chain(Some(known).filter(|known| !known.is_empty())).collect::<Vec<_>>().join(":")
}

fn find(program: &str, folder: &Path, path: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(folder.join(program)).filter(|program| program.is_file());
    }
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

fn missing(program: &str) -> Failure {
    let failure =
        Failure::environment(format!("`{program}` is not on the PATH, and no package of this repo brings it"));
    failure.hint(match program {
        "pnpm" | "yarn" => format!("install it: `corepack enable {program}`, or `npm install --global {program}`"),
        "npm" | "npx" | "node" => "install Node.js, which brings it: https://nodejs.org/en/download".to_owned(),
        _ => "install it, or change the command under `[vars]` in the workflow file".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Command {
        Command::parse(text).unwrap()
    }

    #[test]
    fn words_are_kept_together_by_quotes_and_filled_without_a_shell() {
        let parsed = command("bun run 'my script'  --name {{name}} --out={{out}}");
        assert_eq!(parsed.words(), ["bun", "run", "my script", "--name", "{{name}}", "--out={{out}}"]);
        let filled = parsed.fill("name", &["a b".to_owned()]).fill("out", &["/x".to_owned()]);
        assert_eq!(filled.words()[4..], ["a b", "--out=/x"]);
        assert_eq!(command("t {{files}}").fill("files", &[]).words(), ["t"]);
        assert!(Command::parse("a 'b").is_err() && Command::parse(" ").is_err());
    }

    #[test]
    fn the_script_of_a_package_manager_is_known_and_other_commands_have_none() {
        for (text, script) in [
            ("bun run db:generate --name x", Some("db:generate")),
            ("pnpm --silent run make", Some("make")),
            ("npm run make -- --name x", Some("make")),
            ("bunx drizzle-kit generate", None),
            ("bun run --cwd packages/db seed", None),
            ("npm run types -- --workspace", Some("types")),
            ("bun test", None),
            ("node run make", None),
        ] {
            assert_eq!(command(text).script(), script, "{text}");
        }
    }

    #[test]
    fn our_bun_comes_first_in_the_path_of_children_and_the_packages_programs_next() {
        let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin".to_owned())]);
        let run =
            command("bunx tool").run(Path::new("/opt/bun/bin/bun"), Path::new("/r"), Path::new("/r/a"), &env).unwrap();
        assert_eq!(run.env["PATH"], "/opt/bun/bin:/r/a/node_modules/.bin:/r/node_modules/.bin:/usr/bin");
        assert_eq!((run.program.to_str().unwrap(), run.args[0].to_str().unwrap()), ("/opt/bun/bin/bun", "x"));
        let none = BTreeMap::from([("PATH".to_owned(), "/none".to_owned())]);
        let missing =
            command("pnpm install").run(Path::new("/b"), Path::new("/r"), Path::new("/r"), &none).err().unwrap();
        assert!(missing.downcast::<Failure>().unwrap().render().contains("corepack enable pnpm"));
    }
}
