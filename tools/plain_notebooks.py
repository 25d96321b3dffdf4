"""Notebooks that read well without the book: a chapter for any Jupyter, and its exercises without their solutions.

The book's roles and directives become words. What they refer to is asked of `say(role, target)`, which returns the text
that the page shows, such as `(7.3)` for an equation.
"""

import ast
import copy
import functools
import re
import symtable
from dataclasses import dataclass, field

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

DIRECTIVE = re.compile(r"^(`{3,}|:{3,})\{([\w-]+)\} *([^\n]*)\n((?:(?::[^\n]*)?\n)*)(.*?)^\1 *$\n?", re.M | re.S)
ROLE = re.compile(r"\{([\w:]+)\}`([^`]*)`")
CHECK = re.compile(r"^# (exercises\.check_\w+\(.*\))$", re.MULTILINE)
FOLDED = {"jupyter": {"source_hidden": True}}


def plain(text, say):
    """Markdown of the book as markdown that any notebook shows."""

    def mathematics(text):
        parts = text.split("$$")  # every second one is displayed
        for number in range(1, len(parts) - 1, 2):
            if label := re.match(r" *\(([\w:-]+)\)", parts[number + 1]):
                parts[number] = f"{parts[number].rstrip()} \\tag{{{say('eq', label[1])[1:-1]}}} "
                parts[number + 1] = parts[number + 1][label.end() :]
        return "$$".join(parts)

    def role(found):
        kind, target = found[1], " ".join(found[2].split())
        if kind == "math":
            return f"${target}$"
        if explicit := re.fullmatch(r"(.*?) *<(.*)>", target):
            return explicit[1]
        return target if kind == "term" else say(kind, target)

    def directive(found):
        _, kind, argument, options, body = found.groups()
        label = re.search(r":label: *(\S+)", options)
        if kind in ("exercise", "exercise-start"):
            return f"**{say('ref', label[1])}{f'. {argument}' if argument else ''}**\n\n{body.strip()}\n"
        if kind == "solution-start":
            return f"**Solution of {say('ref', argument)}**\n"
        if kind in ("exercise-end", "solution-end"):
            return ""
        return "\n".join(f"> {line}" for line in [*([f"**{argument}**", ""] if argument else []), *body.splitlines()])

    text = re.sub(r"^\([\w:-]+\)=\n", "", text, flags=re.MULTILINE)
    text = ROLE.sub(role, mathematics(DIRECTIVE.sub(directive, text)))
    return re.sub(r"(?<!!)\[([^]]*)\]\((?!\w+://)[^)]*\)", r"\1", text).strip()


@dataclass
class Exercise:
    label: str
    text: list = field(default_factory=list)  # markdown
    code: list = field(default_factory=list)  # what there is to fill in: cells
    solution: list = field(default_factory=list)  # its code cells
    starts: int = 0  # at this cell of the notebook


def exercises_of(notebook):
    """The exercises of a chapter, in order, with the code of their solutions."""
    found, by_label, now = [], {}, None
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            if isinstance(now, list):
                now.append(cell)
            elif now:
                now.code.append(cell)
            continue
        end = 0
        for directive in [*DIRECTIVE.finditer(cell.source), None]:
            between = cell.source[end : directive.start() if directive else None].strip()
            if isinstance(now, Exercise) and between:
                now.text.append(between)
            if not directive:
                break
            end = directive.end()
            _, kind, argument, options, _ = directive.groups()
            if kind in ("exercise", "exercise-start"):
                label = re.search(r":label: *(\S+)", options)[1]
                by_label[label] = Exercise(label, [directive[0]], starts=number)
                found.append(by_label[label])
                now = by_label[label] if kind == "exercise-start" else None
            elif kind == "solution-start":
                now = by_label[argument].solution
            elif kind in ("exercise-end", "solution-end"):
                now = None
    return found


@dataclass
class Names:
    """The names of a cell."""

    needs: set = field(default_factory=set)  # from cells before
    binds: set = field(default_factory=set)
    changes: set = field(default_factory=set)  # perhaps, in place
    fixed: set = field(default_factory=set)  # bound to what no call changes, or not so that it matters


@functools.cache
def names_of(source):
    found = Names()
    later = set()  # read when a function of this cell is called
    for statement in _statements(ast.parse(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE)).body):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            later |= _reads(statement)
            found.binds.add(statement.name)
            found.fixed.add(statement.name)
            continue
        found.needs |= _reads(statement) - found.binds
        if isinstance(statement, ast.AugAssign):
            found.needs |= _bound(statement) - found.binds
        found.binds |= _bound(statement)
        if isinstance(statement, ast.Import | ast.ImportFrom) or _makes_a_generator(statement):
            found.fixed |= _bound(statement)
        for node in ast.walk(statement):
            if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.changes |= _reads(node.value)
            elif isinstance(node, ast.Call):  # `fit(model, x)` changes the model, `found.append(x)` what was found
                receivers = [node.func.value] if isinstance(node.func, ast.Attribute) else []
                for part in [*receivers, *node.args, *(keyword.value for keyword in node.keywords)]:
                    found.changes |= _reads(part)
    found.needs |= later - found.binds
    return found


def _statements(body):
    """All statements of a cell, in order; a loop is its head, then those inside."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef) or not hasattr(statement, "body"):
            yield statement
            continue
        head = copy.copy(statement)
        inside = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
        for handler in getattr(statement, "handlers", []):
            caught = ast.parse(f"{handler.name} = None").body if handler.name else []
            inside.append([*caught, *handler.body])
        head.body = [ast.Pass()]
        for name in ("orelse", "finalbody"):
            setattr(head, name, [])
        if hasattr(head, "handlers"):
            caught = [ast.Expr(handler.type) for handler in head.handlers if handler.type]
            head.finalbody, head.handlers = [*caught, ast.Pass()], []
        yield head
        for part in inside:
            yield from _statements(part)


def _reads(node):
    """The global names that a piece of code reads, also within its functions and comprehensions."""
    tables, found = [symtable.symtable(ast.unparse(node), "cell", "exec")], set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        outermost = table.get_type() == "module"
        symbols = [symbol for symbol in table.get_symbols() if symbol.is_referenced()]
        found |= {symbol.get_name() for symbol in symbols if outermost or symbol.is_global()}
    return found


def _makes_a_generator(statement):
    call = getattr(statement, "value", None)
    return isinstance(call, ast.Call) and ast.unparse(call.func).endswith("default_rng")


def _bound(statement):
    """The names that a statement binds in its cell; those of a comprehension or a lambda are its own."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Name) and isinstance(statement.ctx, ast.Store):
        return {statement.id}
    own = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
    parts = [part for part in ast.iter_child_nodes(statement) if not isinstance(part, own)]
    return set().union(*map(_bound, parts))


def prepares(notebook, exercises):
    """The cells of the chapter that define what the exercises or their solutions use: {place in the notebook: cell}.

    A cell that only draws or claims is left out, unless something that is used is defined there. In doubt it stays.
    """
    own = {id(cell) for exercise in exercises_of(notebook) for cell in [*exercise.code, *exercise.solution]}
    before = [(n, cell) for n, cell in enumerate(notebook.cells) if n < exercises[-1].starts]
    before = [
        (n, cell, names_of(cell.source)) for n, cell in before if cell.cell_type == "code" and id(cell) not in own
    ]
    alive = set()
    for exercise in exercises:
        answered = set()
        for cell in [*exercise.code, *exercise.solution]:
            alive |= names_of(cell.source).needs - answered
            answered |= names_of(cell.source).binds
    kept, data = {}, set().union(*(names.binds - names.fixed for *_, names in before))
    for n, cell, names in reversed(before):
        shows = {"hide-input", "keep_output"} & set(cell.metadata.get("tags", ()))
        if names.binds & alive or (names.changes & alive & data and not shows):
            kept[n] = cell
            alive = (alive - names.binds) | names.needs
    return dict(sorted(kept.items()))


def chapter(notebook, first, say):
    """The whole chapter, with the cell `first` (markdown) on top; solutions and code that draws are folded."""
    solutions = {id(cell) for exercise in exercises_of(notebook) for cell in exercise.solution}
    cells = [new_markdown_cell(first)]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            hidden = id(cell) in solutions or "hide-input" in cell.metadata.get("tags", ())
            cells.append(_code(cell.source, cell.metadata, FOLDED if hidden else {}))
        elif text := plain(cell.source, say):
            cells.append(new_markdown_cell(text))
    return _notebook(notebook, cells)


def exercises_only(notebook, first, say, answered=False):
    """The exercises, each with what it needs of the chapter, room for an answer, and its check; no solution.

    Where `answered`, the book's solutions stand in that room: whether they run shows that nothing is missing.
    """
    exercises = exercises_of(notebook)
    cells, prepared = [new_markdown_cell(first)], prepares(notebook, exercises)
    for exercise in exercises:
        # The order of the chapter stays; what only later exercises need comes later.
        needs = {n for n in prepares(notebook, [exercise]) if n in prepared}
        now = [n for n in prepared if needs and n <= max(needs)]
        if now:
            cells.append(new_markdown_cell("*From the chapter; run it first.*"))
        for n in now:
            cell = prepared.pop(n)
            cells.append(_code(cell.source, cell.metadata, FOLDED))
        text = "\n\n".join(exercise.text)
        heading, _, rest = plain(text, say).partition("\n")
        cells.append(new_markdown_cell(f"## {heading.strip('*')}\n\n{rest.strip()}"))
        if answered:
            cells += [_code(cell.source, {}, {}) for cell in [*exercise.code, *exercise.solution]]
            continue
        for source in room(exercise):
            if stub := CHECK.sub("", source).strip():
                cells.append(_code(stub, {}, {}))
            if checks := CHECK.findall(source):
                cells.append(_code("\n".join(checks), {}, {"tags": ["raises-exception"]}))  # a hint stops nothing
    cells += [new_markdown_cell("## How far you are"), new_code_cell("exercises.progress()")]
    return _notebook(notebook, cells)


def room(exercise):
    """What there is to fill in, code cells. Where the chapter has none, the functions that the solution has checked."""
    given = [cell.source for cell in exercise.code]
    solution = [cell.source for cell in exercise.solution]
    if not any(CHECK.search(source) for source in given):
        tree = ast.parse("\n".join(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE) for source in solution))
        calls = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
        checks = [call for call in calls if ast.unparse(call.func).startswith("exercises.check_")]
        asked = set().union(*(_reads(call) for call in checks))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in asked]
        stubs = [f"def {each.name}({ast.unparse(each.args)}): ...  # your answer here" for each in functions]
        given.append("\n\n\n".join([*stubs, "\n".join(f"# {ast.unparse(check)}" for check in checks)]).strip())
    return [source for source in given if source] or ["# your answer here"]


def _code(source, metadata, more):
    return new_code_cell(source, metadata={**copy.deepcopy(dict(metadata)), **more})


def _notebook(notebook, cells):
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    metadata = {name: notebook.metadata[name] for name in ("kernelspec", "language_info") if name in notebook.metadata}
    return new_notebook(cells=cells, metadata=metadata)
