/** How languages write what they define, as queries of tree-sitter: what is named `n` is the name, the other name says what it is. */

interface Grammar {
  /** The file of the grammar, in `@vscode/tree-sitter-wasm`. */
  readonly file: string
  readonly query: string
}

const FUNCTION = '(function_declaration name: (identifier) @n) @function'
const JAVASCRIPT = `${FUNCTION}
(generator_function_declaration name: (identifier) @n) @function
(method_definition name: [(property_identifier) (private_property_identifier) (computed_property_name)] @n) @method
(variable_declarator name: (identifier) @n value: [(arrow_function) (function_expression)]) @function
(assignment_expression left: (member_expression property: (property_identifier) @n) right: [(arrow_function) (function_expression)]) @function`
const TYPESCRIPT = `${JAVASCRIPT}
(class_declaration name: (type_identifier) @n) @class
(abstract_class_declaration name: (type_identifier) @n) @class
(interface_declaration name: (type_identifier) @n) @interface
(type_alias_declaration name: (type_identifier) @n) @type
(enum_declaration name: (identifier) @n) @enum`

const javascript = { file: 'javascript', query: `${JAVASCRIPT}\n(class_declaration name: (identifier) @n) @class` }
const cpp = {
  file: 'cpp',
  query: `(function_definition declarator: (function_declarator declarator: (identifier) @n)) @function
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @n))) @function
(function_definition declarator: (function_declarator declarator: (field_identifier) @n)) @method
(function_definition declarator: (function_declarator declarator: (qualified_identifier name: (identifier) @n))) @method
(class_specifier name: (type_identifier) @n body: (_)) @class
(struct_specifier name: (type_identifier) @n body: (_)) @struct
(enum_specifier name: (type_identifier) @n body: (_)) @enum
(type_definition declarator: (type_identifier) @n) @type
(preproc_function_def name: (identifier) @n) @macro`,
}

/** By the end of a file's name. */
export const GRAMMARS: Readonly<Record<string, Grammar>> = {
  js: javascript,
  mjs: javascript,
  cjs: javascript,
  jsx: javascript,
  ts: { file: 'typescript', query: TYPESCRIPT },
  mts: { file: 'typescript', query: TYPESCRIPT },
  cts: { file: 'typescript', query: TYPESCRIPT },
  tsx: { file: 'tsx', query: TYPESCRIPT },
  py: {
    file: 'python',
    query: `(class_definition name: (identifier) @n) @class
(function_definition name: (identifier) @n) @function
(module (expression_statement (assignment left: (identifier) @n)) @value)`,
  },
  go: {
    file: 'go',
    query: `${FUNCTION}
(method_declaration name: (field_identifier) @n) @method
(type_spec name: (type_identifier) @n) @type`,
  },
  java: {
    file: 'java',
    query: `(class_declaration name: (identifier) @n) @class
(interface_declaration name: (identifier) @n) @interface
(enum_declaration name: (identifier) @n) @enum
(record_declaration name: (identifier) @n) @record
(method_declaration name: (identifier) @n) @method
(constructor_declaration name: (identifier) @n) @method`,
  },
  rs: {
    file: 'rust',
    query: `(function_item name: (identifier) @n) @function
(struct_item name: (type_identifier) @n) @struct
(enum_item name: (type_identifier) @n) @enum
(trait_item name: (type_identifier) @n) @trait
(type_item name: (type_identifier) @n) @type
(mod_item name: (identifier) @n) @module
(macro_definition name: (identifier) @n) @macro
(const_item name: (identifier) @n) @value`,
  },
  rb: {
    file: 'ruby',
    query: `(method name: (identifier) @n) @method
(singleton_method name: (identifier) @n) @method
(class name: (constant) @n) @class
(module name: (constant) @n) @module`,
  },
  php: {
    file: 'php',
    query: `(function_definition name: (name) @n) @function
(class_declaration name: (name) @n) @class
(interface_declaration name: (name) @n) @interface
(trait_declaration name: (name) @n) @trait
(method_declaration name: (name) @n) @method`,
  },
  cs: {
    file: 'c-sharp',
    query: `(class_declaration name: (identifier) @n) @class
(interface_declaration name: (identifier) @n) @interface
(struct_declaration name: (identifier) @n) @struct
(enum_declaration name: (identifier) @n) @enum
(record_declaration name: (identifier) @n) @record
(method_declaration name: (identifier) @n) @method`,
  },
  c: cpp,
  h: cpp,
  cc: cpp,
  cpp,
  cxx: cpp,
  hpp: cpp,
  sh: { file: 'bash', query: '(function_definition name: (word) @n) @function' },
}

/** Which of them a file is written in; undefined where none is known, or nobody wrote it. */
export function languageOf(path: string): string | undefined {
  if (/(?:^|\/)(?:node_modules|vendor|third_party|dist|build|target)\/|\.min\.[cm]?js$/.test(path)) return undefined
  const end = path.slice(path.lastIndexOf('.') + 1).toLowerCase()
  return Object.hasOwn(GRAMMARS, end) ? end : undefined
}
