//! `workflows/db-change.toml` for a repo: the file of this project with its places, commands and names put in.
//!
//! Invariant: every step of the process stays in the file. One that this repo has nothing for is `off` with the reason. For the
//! sample repo the result is this project's own file, which a test holds it to.

use anyhow::{Context, Result};
use toml::Value;

use super::found::{Found, relative};
use super::packages::shown;

const TEMPLATE: &str = include_str!("../../../../workflows/db-change.toml");

/// The production target says how many rows the sample's has; another repo's are not known.
const PRODUCTION: &str = "\
# Asked by `review`, for reading only, where the variable is set; else how many rows it holds is what is said here. Take the marks away.
# [target.production]
# url_env = \"PRODUCTION_DATABASE_URL\"
# role = \"production\"
# data = \"personal\"
# rows = { users = 3_000_000 }
";

/// The file's text while it is filled in.
struct File(Vec<String>);

impl File {
    /// The lines of a step, without those of its decision.
    fn step(&self, id: &str) -> Result<std::ops::Range<usize>> {
        let named = format!("id = {}", quoted(id));
        let begins = |at: &usize| self.0[*at] == "[[phase.step]]" && self.0.get(at + 1) == Some(&named);
        let start = (0..self.0.len()).find(begins).with_context(|| format!("the step `{id}` of the template"))?;
        let end = (start + 1..self.0.len()).find(|at| self.0[*at].starts_with('['));
        Ok(start..end.unwrap_or(self.0.len()))
    }

    fn set(&mut self, id: &str, key: &str, value: &str) -> Result<()> {
        let step = self.step(id)?;
        let start = format!("{key} = ");
        let at = step.clone().find(|at| self.0[*at].starts_with(&start));
        let at = at.with_context(|| format!("`{key}` of the step `{id}` of the template"))?;
        self.0[at] = format!("{start}{value}");
        Ok(())
    }

    fn off(&mut self, id: &str, reason: &str) -> Result<()> {
        let title = self.step(id)?.start + 2;
        self.0.insert(title + 1, format!("off = {}", quoted(reason)));
        Ok(())
    }

    /// A variable; without a value it is taken out.
    fn var(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let start = format!("{name} = ");
        let at = self.0.iter().position(|line| line.starts_with(&start));
        let at = at.with_context(|| format!("the variable `{name}` of the template"))?;
        match value {
            Some(value) => self.0[at] = format!("{start}{}", quoted(value)),
            None => {
                self.0.remove(at);
            }
        }
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| quoted(&item)).collect();
    format!("[{}]", items.join(", "))
}

pub(super) fn text(found: &Found) -> Result<String> {
    let mut file = File(TEMPLATE.lines().map(str::to_owned).collect());
    variables(&mut file, found)?;
    steps(&mut file, found)?;
    absent(&mut file, found)?;
    let text = file.0.join("\n") + "\n";
    let (before, rest) = text.split_once("# Asked by `review`").context("the production target of the template")?;
    let (_, after) = rest.split_once("\n\n").context("the end of the production target")?;
    let env = format!("url_env = {}", quoted(&found.url_name));
    Ok(format!("{before}{PRODUCTION}\n{after}")
        .replacen("url_env = \"DATABASE_URL\"", &env, 1)
        .replace("{ env = \"DATABASE_URL\" }", &format!("{{ env = {} }}", quoted(&found.url_name))))
}

fn variables(file: &mut File, found: &Found) -> Result<()> {
    let (tests, around) = (&found.tests, &found.around);
    let config = relative(&found.root, &found.config.path);
    let api = around.api.as_ref().map(|(folder, _)| shown(folder));
    let components = <&[String; 1]>::try_from(around.components.as_slice()).ok().map(|[only]| only.as_str());
    for (name, value) in [
        ("db_package", shown(&found.db)),
        ("schema_glob", found.schema_glob.clone()),
        ("migrations_dir", shown(&relative(&found.root, &found.config.out))),
        ("tests_dir", shown(&tests.folder)),
        ("database_module", tests.database_module.clone()),
        ("database_name", tests.database_name.clone()),
        ("schema_module", tests.schema_module.clone()),
        ("test_module", tests.module.to_owned()),
        ("generate", found.generate.command.clone()),
        ("migrate", found.migrate.command.clone()),
        ("scripts_in", shown(&found.generate.folder)),
        ("migrate_in", shown(&found.migrate.folder)),
        ("drizzle_in", shown(&found.kit)),
        ("drizzle_config", shown(&config)),
        ("test", tests.command.clone()),
        ("test_in", tests.place.to_owned()),
        ("install", found.manager.install().to_owned()),
    ] {
        file.var(name, Some(&value))?;
    }
    file.var("api_package", api.as_deref())?;
    file.var("app_globs", components)?;
    file.var("typecheck", around.typecheck.as_deref())?;
    file.var("seed", around.seed.as_deref())
}

/// Lists of folders and globs, in the steps that look at them.
fn steps(file: &mut File, found: &Found) -> Result<()> {
    let around = &found.around;
    let has_api = around.api.is_some();
    let api_root = || has_api.then(|| "{{api_package}}".to_owned());
    let roots = list(api_root().into_iter().chain(around.roots.iter().map(|(folder, _)| folder.clone())));
    let procedures = list(around.procedures.clone());
    let components = match around.components.as_slice() {
        [_] => list(["{{app_globs}}".to_owned()]),
        several => list(several.to_vec()),
    };
    let api_tests = around.api.as_ref().is_some_and(|(_, tested)| *tested);
    let database = (found.tests.any || (!api_tests && around.tested.is_empty())).then(|| database_target(found));
    let suites = database.into_iter().chain(api_tests.then(|| "./{{api_package}}/".to_owned()));
    let suites = list(suites.chain(around.tested.iter().map(|folder| format!("./{}/", folder.display()))));
    file.set("read-docs", "with", &format!("{{ documents = {} }}", list(around.documents.clone())))?;
    file.set("read-docs", "inputs", &list(around.documents.clone()))?;
    file.set(
        "impact",
        "with",
        &format!("{{ roots = {roots}, procedures = {procedures}, components = {components}, tests = {suites} }}"),
    )?;
    file.set("old-code", "with", &format!("{{ tests = {suites} }}"))?;
    file.set(
        "usages",
        "with",
        &format!("{{ roots = {roots}, procedures = {procedures}, components = {components} }}"),
    )?;
    let api_inputs = api_root().map(|root| format!("{root}/**/*.ts"));
    let other_inputs = around.roots.iter().flat_map(|(folder, pages)| {
        [Some(format!("{folder}/**/*.ts")), pages.then(|| format!("{folder}/**/*.tsx"))].into_iter().flatten()
    });
    file.set("usages", "inputs", &list(api_inputs.into_iter().chain(other_inputs)))?;
    let both = |top: &String| [format!("{top}/**/*.ts"), format!("{top}/**/*.tsx")];
    file.set("typecheck", "inputs", &list(around.tops.iter().flat_map(both).chain(around.manifests.clone())))?;
    let near = near(found);
    file.set("api-tests", "inputs", &list(near.iter().flat_map(both)))?;
    let plain = list(near.iter().map(|top| format!("{top}/**/*.ts")));
    file.set("db-tests", "with", &format!("{{ targets = {} }}", list([database_target(found)])))?;
    file.set("db-tests", "inputs", &plain)?;
    file.set("api-suite", "inputs", &plain)?;
    if found.db.as_os_str().is_empty() {
        file.set("seed", "inputs", &plain)?;
    }
    Ok(())
}

fn database_target(found: &Found) -> String {
    if found.db.as_os_str().is_empty() { "./".to_owned() } else { "./{{db_package}}/".to_owned() }
}

/// The top folders of the database and the API.
fn near(found: &Found) -> Vec<String> {
    let around = &found.around;
    let packages = [Some(found.db.as_path()), around.api.as_ref().map(|(folder, _)| folder.as_path())];
    let inside = |top: &&String| {
        found.db.as_os_str().is_empty() || packages.into_iter().flatten().any(|folder| folder.starts_with(top.as_str()))
    };
    around.tops.iter().filter(inside).cloned().collect()
}

/// Steps that this repo has nothing for.
fn absent(file: &mut File, found: &Found) -> Result<()> {
    let around = &found.around;
    if around.documents.is_empty() {
        file.off("read-docs", "no conventions about the database are written down")?;
    }
    if around.typecheck.is_none() {
        file.set("typecheck", "with", "{ command = \"set me\" }")?;
        file.off("typecheck", "no script checks types")?;
    }
    match &around.api {
        Some((_, true)) => {}
        Some((folder, false)) => {
            for step in ["api-tests", "api-suite"] {
                file.off(step, &format!("{} has no tests", folder.display()))?;
            }
        }
        None => {
            file.set("api-tests", "with", "{ suite = \"set me\", root = \"set me\" }")?;
            file.set("api-suite", "with", "{ targets = [\"set me\"] }")?;
            for step in ["api-tests", "api-suite"] {
                file.off(step, "there is no API package")?;
            }
        }
    }
    if !found.tests.any {
        file.off("db-tests", "the database package has no tests of its own")?;
    }
    if around.seed.is_none() {
        file.set("seed", "with", "{ command = \"set me\" }")?;
        file.off("seed", "no script fills an empty database")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::load;

    #[test]
    fn a_step_that_is_off_stays_in_the_file_and_the_file_is_valid() {
        let mut file = File(TEMPLATE.lines().map(str::to_owned).collect());
        file.off("typecheck", "no script checks types").unwrap();
        file.set("impact", "timeout", "\"9m\"").unwrap();
        assert!(file.set("impact", "nothing", "1").is_err() && file.step("nowhere").is_err());
        let text = file.0.join("\n");
        let loaded = load::parse("db-change.toml".as_ref(), &text, &crate::actions::catalogue()).unwrap();
        assert_eq!(loaded.step("typecheck").unwrap().off.as_ref().unwrap().get_ref(), "no script checks types");
    }
}
