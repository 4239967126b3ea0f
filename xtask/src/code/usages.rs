//! Where code uses a table or a column, and which API procedures and UI components that touches.
//!
//! Small but true: a use is `certain` when the expression is known to be the table, a row of it, or SQL that names it; it is
//! "possible" when the expression's type could not be read, in a file that can reach the schema. The same property of another
//! table, or of an object of its own, is no use. Files that could not be parsed are listed: about them nothing is said.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::Result;
use oxc_allocator::Allocator;

use super::imports::Graph;
use super::schema::SchemaSource;
use super::types::{Module, Project};
use super::walk::{self, Walked};
use super::{imports, parse};
use crate::failure::Failure;
use crate::sql::{Operation, TableName};

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub table: TableName,
    /// The database's name; none asks for uses of the table.
    pub column: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// `users.email`, `user.email`, `user['email']`
    Member,
    /// A key of an object written where a row is expected.
    Key,
    Destructure,
    /// `User['email']`, `Pick<User, 'email'>`
    Type,
    /// SQL text.
    Sql,
    /// The table's export itself.
    Table,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usage {
    /// Relative to the graph's root.
    pub file: PathBuf,
    pub line: usize,
    pub column: usize,
    pub how: How,
    pub certain: bool,
    /// The top-level declaration that holds it; `router.get` for a key of a top-level object.
    pub enclosing: Option<String>,
    pub is_test: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeImpact {
    pub usages: Vec<Usage>,
    /// Files with a certain use, tests left out.
    pub files: BTreeSet<PathBuf>,
    /// `users.get`: exported functions of procedure files with a certain use, in themselves or in a function of the file
    /// that they call.
    pub procedures: BTreeSet<String>,
    /// Exported components of `.tsx` files, found the same way.
    pub components: BTreeSet<String>,
    /// Procedures and components where a use is only possible.
    pub possible: BTreeSet<String>,
    /// Files that could not be parsed.
    pub not_judged: Vec<PathBuf>,
}

impl Target {
    /// What code may use of what an operation changes: of a new column nothing, but of its table. None where it is no table's.
    #[must_use]
    pub fn of(operation: &Operation) -> Option<Self> {
        use Operation as O;
        let column = match operation {
            O::RenameColumn { from: column, .. }
            | O::DropColumn { column, .. }
            | O::ChangeType { column, .. }
            | O::SetNotNull { column, .. }
            | O::DropNotNull { column, .. }
            | O::SetDefault { column, .. }
            | O::DropDefault { column, .. } => Some(column.clone()),
            O::AddUnique { columns, .. } | O::AddForeignKey { columns, .. } => columns.first().cloned(),
            _ => None,
        };
        Some(Target { table: operation.table()?.clone(), column })
    }
}

/// Finds the uses in all files of the graph that lie under one of `roots` (relative to the graph's root).
///
/// Errors: the table or the column is not in the schema files.
pub fn find(
    graph: &Graph,
    schema: &SchemaSource,
    target: &Target,
    roots: &[PathBuf],
    procedure_globs: &[String],
) -> Result<CodeImpact> {
    let missing = |what: String| Failure::usage(format!("{what} is not in the schema files"));
    let table = schema.table(&target.table).ok_or_else(|| missing(format!("table `{}`", target.table)))?;
    let property = match &target.column {
        Some(name) => match table.column(name) {
            Some(column) => Some(column.property.clone()),
            // Columns of a table that was only partly read go by the database's name.
            None if table.opaque => Some(name.clone()),
            None => return Err(missing(format!("column `{}.{name}`", target.table)).into()),
        },
        None => None,
    };
    let allocators: Vec<Allocator> = graph.imports.keys().map(|_| Allocator::default()).collect();
    let mut modules = Vec::new();
    for (file, allocator) in graph.imports.keys().zip(&allocators) {
        let text = allocator.alloc_str(&parse::read(file)?);
        if let Ok(program) = parse::program(allocator, file, text) {
            modules.push(Module { path: file.clone(), text, program });
        }
    }
    let table_file = table.file.canonicalize().unwrap_or_else(|_| imports::normal(&graph.root.join(&table.file)));
    let index: HashMap<PathBuf, usize> =
        modules.iter().enumerate().map(|(at, module)| (module.path.clone(), at)).collect();
    let project = Project { modules, index, graph, schema, table, property, column: target.column.clone(), table_file };
    let reaching = graph.reaching(std::slice::from_ref(&project.table_file));
    let procedures = procedure_globs.iter().map(|text| glob::Pattern::new(text)).collect::<Result<Vec<_>, _>>()?;
    let relative = |path: &Path| path.strip_prefix(&graph.root).unwrap_or(path).to_owned();
    let wanted =
        |path: &Path| roots.is_empty() || roots.iter().any(|root| relative(path).starts_with(imports::normal(root)));

    let mut impact = CodeImpact::default();
    impact.not_judged.extend(graph.unparsed.iter().filter(|path| wanted(path)).map(|path| relative(path)));
    for (at, module) in project.modules.iter().enumerate() {
        if !wanted(&module.path) {
            continue;
        }
        let mut walked = walk::walk(&project, at);
        walked.hits.retain(|hit| hit.certain || reaching.contains(&module.path));
        let file = relative(&module.path);
        let is_test = is_test(&file);
        if !is_test {
            note_owners(&mut impact, &walked, &file, &procedures);
        }
        for hit in walked.hits {
            let (line, column) = parse::position(module.text, hit.span.start as usize);
            if hit.certain && !is_test {
                impact.files.insert(file.clone());
            }
            impact.usages.push(Usage {
                file: file.clone(),
                line,
                column,
                how: hit.how,
                certain: hit.certain,
                enclosing: hit.enclosing,
                is_test,
            });
        }
    }
    impact.usages.sort();
    Ok(impact)
}

#[must_use]
pub fn is_test(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = |part: std::path::Component<'_>| {
        matches!(part.as_os_str().to_str(), Some("tests" | "test" | "__tests__" | "e2e"))
    };
    name.contains(".test.")
        || name.contains(".spec.")
        || file.parent().is_some_and(|parent| parent.components().any(folder))
}

fn note_owners(impact: &mut CodeImpact, walked: &Walked, file: &Path, procedures: &[glob::Pattern]) {
    let is_procedure = procedures.iter().any(|glob| glob.matches_path(file));
    let is_component = file.extension().is_some_and(|ending| ending == "tsx" || ending == "jsx");
    for (certain, owners) in [(true, owners(walked, true)), (false, owners(walked, false))] {
        for owner in owners {
            let (top, function) = owner.rsplit_once('.').unwrap_or((&owner, &owner));
            let named = if is_procedure {
                format!("{}.{function}", procedure_group(file))
            } else if is_component && top.starts_with(char::is_uppercase) {
                top.to_owned()
            } else {
                continue;
            };
            match (certain, is_procedure) {
                (true, true) => impact.procedures.insert(named),
                (true, false) => impact.components.insert(named),
                (false, _) => impact.possible.insert(named),
            };
        }
    }
    let (procedures, components) = (&impact.procedures, &impact.components);
    impact.possible.retain(|name| !procedures.contains(name) && !components.contains(name));
}

/// Exported declarations with a use, in themselves or in what they call in the same file.
fn owners(walked: &Walked, certain: bool) -> BTreeSet<String> {
    let hits = walked.hits.iter().filter(|hit| hit.certain == certain).filter_map(|hit| hit.enclosing.clone());
    let mut used: BTreeSet<String> = hits.collect();
    loop {
        let tops: BTreeSet<&str> = used.iter().map(|name| name.split('.').next().unwrap_or(name)).collect();
        let calls = |mentions: &BTreeSet<String>| mentions.iter().any(|name| tops.contains(name.as_str()));
        let more: Vec<String> = walked
            .mentions
            .iter()
            .filter(|(name, mentions)| !tops.contains(name.as_str()) && calls(mentions))
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        used.extend(more);
    }
    used.retain(|name| walked.exported.contains(name.split('.').next().unwrap_or(name)));
    used
}

/// `procedures/users/get.ts` and `procedures/users.ts` both belong to `users`.
fn procedure_group(file: &Path) -> String {
    let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
    let after = parts
        .iter()
        .rposition(|part| matches!(*part, "procedures" | "routers" | "routes"))
        .and_then(|at| parts.get(at + 1));
    let own = || file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    after.map_or_else(own, |part| part.split('.').next().unwrap_or(part)).to_owned()
}

/// Uses by file, for a listing.
#[must_use]
pub fn by_file(usages: &[Usage]) -> BTreeMap<&Path, Vec<&Usage>> {
    usages.iter().fold(BTreeMap::new(), |mut files: BTreeMap<&Path, Vec<&Usage>>, usage| {
        files.entry(usage.file.as_path()).or_default().push(usage);
        files
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::schema;

    const SCHEMA: &str = "export const users = pgTable('users', { id: uuid('id'), email: text('email'), größe: text('größe') }, (t) => [index().on(t.email)]);
export const invites = pgTable('invites', { email: text('email') }, (table) => [index().on(table.email)]);
export type User = typeof users.$inferSelect;
export interface Guest { email: string }
export async function makeUser(values: Partial<User> = {}): Promise<User> { throw new Error(); }";

    /// The impact of changing `users.<column>` on one procedure file and one component file.
    fn impact(column: Option<&str>, procedure: &str, component: &str) -> CodeImpact {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("db/package.json", r#"{"name":"@own/db","exports":"./schema.ts"}"#),
            ("db/schema.ts", SCHEMA),
            ("api/procedures/users/users.ts", procedure),
            ("web/Card.tsx", component),
        ];
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let graph = imports::build(folder.path()).unwrap();
        let schema = schema::read(&[graph.root.join("db/schema.ts")]).unwrap();
        let target = Target { table: TableName::new("public", "users"), column: column.map(str::to_owned) };
        find(&graph, &schema, &target, &["api".into(), "./web".into()], &["api/procedures/**/*.ts".to_owned()]).unwrap()
    }

    fn lines(text: &str) -> Vec<(usize, How, bool)> {
        impact(Some("email"), text, "").usages.iter().map(|usage| (usage.line, usage.how, usage.certain)).collect()
    }

    #[test]
    fn each_way_to_use_a_column_is_found() {
        let text = "import { users, makeUser, type User } from '@own/db';
const a = users.email;
const b = async () => { const { email } = await makeUser({ email: 'x' }); };
const c = (rows: User[]) => rows.map((row) => row['email']);
const d = async () => { for (const row of await db.select().from(users)) row?.email; };
const e = () => db.update(users).set({ id: 1, email: 'x' }).where(true);
const f = () => db.query.users.findFirst({ columns: { email: true } });
type G = Pick<User, 'email'> & { h: User['email'] };
const i = sql`select ${users.id} from ${users} where lower(\"email\") = ${`nested ${1}`}`;
const j = \"select email from users\";
const k = async () => { const [u] = await db.insert(users).values([{ email: 'x' }]).returning(); u!.email; };
const l = [{ email: 'x' }] satisfies Partial<User>[];
const m = () => db.select({ u: users.email }).from(users).leftJoin(users).then((r) => r[0].u);";
        let text = text.replace("\\\"", "\"");
        let mut found: Vec<usize> =
            lines(&text).into_iter().filter(|(_, _, certain)| *certain).map(|(line, _, _)| line).collect();
        assert_eq!(found.iter().filter(|line| **line == 3).count(), 2, "destructured and written");
        assert_eq!(found.iter().filter(|line| **line == 8).count(), 2, "both type uses");
        found.dedup();
        assert_eq!(found, (2..=13).collect::<Vec<_>>());
    }

    #[test]
    fn the_same_name_of_something_else_is_no_use() {
        let text = "import { invites, users, type Guest } from '@own/db';
// users.email
const a = invites.email;
const b = () => db.insert(invites).values({ email: 'x' });
const c = (guest: Guest, input: { email: string }) => guest.email + input.email;
const d = (users: { email: string }) => users.email;
const e = 'Your email, users';
const f = sql`select email from invites`;
const g = () => { const email = 'x'; return { email }; };
const h = async () => { const { email } = await db.select({ email: users.id }).from(users); };
const i = () => db.select().from(invites).then((rows) => rows.map((row) => row.email));";
        assert_eq!(lines(text), []);
    }

    #[test]
    fn an_unknown_receiver_is_possible_only_where_the_schema_is_in_reach() {
        assert_eq!(lines("import '@own/db';\nexport const get = (row: any) => row.email;"), [(2, How::Member, false)]);
        assert_eq!(lines("export const get = (row: any) => row.email;"), []);
        let impact = impact(Some("email"), "import '@own/db';\nexport const get = (row: any) => row.email;", "");
        assert_eq!(impact.possible, BTreeSet::from(["users.get".to_owned()]));
        assert!(impact.procedures.is_empty() && impact.files.is_empty());
    }

    #[test]
    fn procedures_and_components_are_counted_through_functions_of_the_same_file() {
        let procedure = "import { users } from '@own/db';\r\nfunction byEmail() { return users.email; }\r\nexport async function get() { return byEmail(); }\r\nexport const router = { list: p.query(() => users.email), none: p.query(() => users.id) };\r\nexport const idle = () => 1;";
        let component = "import type { User } from '@own/db';\ntype Props = { user: User; email: string };\nconst Mail = ({ user }: Props) => <a href={`mailto:${user.email}`}>{user.email}</a>;\nexport function Card(props: Props) { return <Mail {...props} />; }\nexport const Other = ({ email }: Props) => <p title={email}>email</p>;";
        let impact = impact(Some("email"), procedure, component);
        assert_eq!(impact.procedures.iter().collect::<Vec<_>>(), ["users.get", "users.list"]);
        assert_eq!(impact.components.iter().collect::<Vec<_>>(), ["Card"]);
        assert_eq!(impact.files.len(), 2);
    }

    #[test]
    fn uses_of_a_table_are_those_of_its_export() {
        let impact = impact(
            None,
            "import * as schema from '@own/db';\nconst users = 1;\nexport const get = () => schema.users.id + users;",
            "",
        );
        assert_eq!(impact.usages.iter().map(|usage| (usage.line, usage.how)).collect::<Vec<_>>(), [(3, How::Table)]);
        assert_eq!(
            super::tests::impact(Some("größe"), "import { users } from '@own/db'; users.größe;", "").usages.len(),
            1
        );
    }
}
