/** grammar/Datalog.g4 - the rule language, one item at a time.

    The parser is started once per top-level item (a clause, a declaration, a rule, …) with a rule named after the item's kind
    (item_splitter.h knows the kinds); it never sees a whole program. Every rule is LL(1): the generated code decides by a
    switch on the next token and never runs ANTLR's adaptive prediction, so there is no cold start and no
    full-context fallback. A test holds that (no "adaptivePredict" in the generated parser). Three things make it possible:

    1. The text is read by scanner.h, by hand, and token_roles.h decides which words are keywords where they stand, so
       that any word Souffle does not reserve stays usable as a name. The lexer rules below name the token types and are the
       spelling of every keyword and sign; the generated lexer itself is not used.
    2. An expression is a flat list of operands and operators; tree_builder.h applies the precedences. So long sums cost no
       stack either.
    3. A condition starts as an expression; what follows says which condition it is. `p(x)` alone is an atom, `p(x) > 3` a
       comparison with a call. The one construct that would need unbounded lookahead, a parenthesis that holds conditions
       and not an expression, has a token type of its own (GROUP_OPEN), decided by what follows the closing one. */
grammar Datalog;

// Token types by place, spelled like another: token_roles.h gives them.
tokens { GROUP_OPEN, BOUNDS_OPEN, ALLEN, AGGREGATE, K_TEST, K_TEST_DECL, K_AS_OF, QUESTION, DOT, IMPORT_DOT, END }

// ───────────── clauses ─────────────

clauseItem : K_FALSE COLON_DASH body END EOF
           | K_FINAL? head ( LE head COLON_DASH body | (COMMA head)* (COLON_DASH body)? ) END plan? EOF ;
head       : name ( LPAREN args? RPAREN | LBRACE fields? RBRACE ) ;
plan       : D_PLAN planOrder (COMMA planOrder)* ;
planOrder  : NUMBER COLON LPAREN (NUMBER (COMMA NUMBER)*)? RPAREN ;

// ───────────── conditions ─────────────

body        : conjunction (SEMI conjunction)* ;
conjunction : term (COMMA term)* ;
term        : (BANG | K_NOT) term
            | GROUP_OPEN body RPAREN
            | K_EXISTS LBRACE body RBRACE
            | K_FORALL LBRACE body RBRACE ARROW2 LBRACE body RBRACE
            | K_GROUP LBRACE body RBRACE (K_BY keys)? ARROW2 LBRACE result (COMMA result)* RBRACE
            | K_SEQUENCE LPAREN steps RPAREN sequenceOption*
            | K_LAST head K_BEFORE expr
            | K_TEST expr
            | expr termTail? ;
termTail    : compareOp expr
            | ALLEN (BOUNDS_OPEN expr (COMMA expr)? RBRACK)? expr
            | K_IN expr
            | K_IS K_NOT? K_NULL
            | window (K_AS IDENT)?
            | K_AS IDENT ;
compareOp   : EQ | EQEQ | NE | LT | LE | GT | GE ;
window      : K_OVER ( K_LAST expr K_EVENTS? | K_CURRENT expr | K_TUMBLING expr | K_HOPPING expr COMMA expr | K_SESSION expr ) ;
keys        : name | LPAREN expr (COMMA expr)* RPAREN ;
result      : IDENT COLON expr ;

steps          : step ((ARROW | ARROW_ANY | K_NEXT) step)* ;
step           : K_NOT? ( head (K_AS IDENT)? | LPAREN steps (PIPE steps)* RPAREN ) quantifier? (K_WITHIN expr)? (K_UNTIL head)? ;
quantifier     : LBRACK expr (DOTDOT (expr | STAR))? RBRACK ;
sequenceOption : K_WITHIN expr | K_BY keys | K_SKIP IDENT ;

// ───────────── expressions ─────────────

args     : expr (COMMA expr)* ;
expr     : operand (binaryOp operand)*
         | K_IF term K_THEN expr K_ELSE expr ;
operand  : prefixOp* primary ;
prefixOp : MINUS | K_BNOT | K_LNOT ;
binaryOp : PLUS | MINUS | STAR | SLASH | PERCENT | CARET | K_BAND | K_BOR | K_BXOR | K_BSHL | K_BSHR | K_BSHRU
         | K_LAND | K_LOR | K_LXOR ;
primary  : STRING | FLOAT | UNSIGNED | NUMBER | DURATION | TIMESTAMP | IPV4 | K_NIL | K_TRUE | K_FALSE | K_NULL | UNDERSCORE
         | DOLLAR (name (LPAREN args? RPAREN)?)?
         | LBRACK (expr (DOTDOT expr (RBRACK | RPAREN) | (COMMA expr)* RBRACK) | RBRACK)
         | LPAREN expr (RPAREN | DOTDOT expr (RBRACK | RPAREN))
         | K_AS LPAREN expr COMMA name RPAREN
         | AT (IDENT LPAREN args? RPAREN | AT IDENT args? COLON expr COMMA aggregateBody)
         | AGGREGATE args? COLON aggregateBody
         | name (LPAREN args? RPAREN | LBRACE fields? RBRACE)? ;
aggregateBody : LBRACE body RBRACE | head ;
fields   : field (COMMA field)* ;
field    : IDENT (COLON expr (fieldOp expr)? | fieldOp expr)? ;
fieldOp  : compareOp | K_IN | K_MATCHES ;
name     : IDENT (DOT IDENT)* ;
moment   : TIMESTAMP | DURATION | LPAREN expr RPAREN ;

// ───────────── declarations of Souffle ─────────────

declItem      : D_DECL IDENT ( EQ IDENT LPAREN name RPAREN tag* | (COMMA IDENT)* LPAREN columns? RPAREN tag* choice? ) EOF ;
tag           : IDENT ;
choice        : CHOICE dependency (COMMA dependency)* ;
dependency    : IDENT | LPAREN IDENT (COMMA IDENT)* RPAREN ;
columns       : column (COMMA column)* ;
column        : IDENT COLON typeExpr columnOption* ;
columnOption  : K_KEY | K_UNIQUE | K_DEFAULT expr | K_REF name | K_FROM STRING ;
typeExpr      : (name (LPAREN NUMBER (COMMA NUMBER)* RPAREN)? (LT (GT | typeExpr (COMMA typeExpr)* GT))? | LBRACK columns RBRACK)
                (LBRACK RBRACK)? QUESTION? ;
typeDeclItem  : (D_TYPE | D_NUMBER_TYPE | D_SYMBOL_TYPE) IDENT (SUBTYPE name | EQ typeBody)? EOF ;
typeBody      : LBRACK columns? RBRACK | alternative (PIPE alternative)* ;
alternative   : name (LBRACE columns? RBRACE)? ;
latticeItem   : D_LATTICE IDENT LT GT LBRACE latticeOp (COMMA latticeOp)* RBRACE EOF ;
latticeOp     : IDENT ARROW expr ;
directiveItem : (D_INPUT | D_OUTPUT | D_PRINTSIZE | D_LIMITSIZE) name (COMMA name)* (LPAREN properties? RPAREN)? EOF ;
properties    : property (COMMA property)* ;
property      : IDENT (EQ | COLON) expr ;
functorItem   : D_FUNCTOR IDENT LPAREN (functorArg (COMMA functorArg)*)? RPAREN COLON name IDENT? EOF ;
functorArg    : name (COLON name)? ;
pragmaItem    : D_PRAGMA STRING STRING? EOF ;
componentHead : D_COMP componentType ((COLON | COMMA) componentType)* LBRACE EOF ;
componentType : IDENT (LT IDENT (COMMA IDENT)* GT)? ;
initItem      : D_INIT IDENT EQ componentType EOF ;
overrideItem  : D_OVERRIDE IDENT EOF ;

// ───────────── declarations of ours ─────────────

moduleItem    : K_MODULE name SEMI EOF ;
importItem    : K_IMPORT name (K_AS IDENT | IMPORT_DOT LBRACE IDENT (COMMA IDENT)* RBRACE)? SEMI EOF ;
typeAliasItem : K_TYPE IDENT EQ typeExpr (K_WHERE conjunction)? SEMI EOF ;
enumItem      : K_ENUM IDENT LBRACE IDENT (COMMA IDENT)* RBRACE SEMI? EOF ;

relationItem   : K_FINAL? (K_RELATION | K_STREAM | K_EVENT) IDENT LPAREN columns RPAREN relationOption* SEMI EOF ;
relationOption : K_KEY nameList | K_INDEX nameList | K_FROM endpoint | K_TO endpoint | K_VERSIONED (K_RETAIN expr)? | K_EXPIRE expr
               | K_WITH LBRACE properties? RBRACE | K_TIME IDENT | K_WATERMARK expr | K_LATE IDENT IDENT? | K_DURATION IDENT ;
nameList       : LPAREN IDENT (COMMA IDENT)* RPAREN ;
endpoint       : IDENT STRING (LBRACE properties? RBRACE)? ;

ruleItem   : K_RULE ruleName ruleOption* K_WHEN body K_THEN action* K_END EOF ;
ruleName   : name | STRING ;
ruleOption : K_SALIENCE expr | K_GROUP IDENT | K_EXCLUSIVE IDENT | K_NO_LOOP | K_LOCK_ON_ACTIVE | K_AUTO_FOCUS | K_ENABLED expr
           | K_EVERY expr | K_CRON STRING | K_EFFECTIVE expr K_TO expr | K_DOC STRING ;
action     : (K_INSERT | K_UPSERT | K_DERIVE | K_RETRACT) head SEMI
           | K_EMIT head (K_TO name)? SEMI
           | K_MODIFY IDENT assignments SEMI
           | K_DELETE IDENT SEMI
           | K_CALL name LPAREN args? RPAREN (K_AS IDENT)? SEMI
           | K_LET IDENT EQ expr SEMI
           | K_IF GROUP_OPEN body RPAREN block (K_ELSE block)?
           | K_FOR GROUP_OPEN body RPAREN block
           | K_SCHEDULE K_AFTER moment block
           | K_FOCUS IDENT SEMI
           | K_LOG args SEMI
           | K_HALT SEMI ;
block       : LBRACE action* RBRACE ;
assignments : LBRACE assignment (COMMA assignment)* RBRACE ;
assignment  : IDENT (COLON | EQ) expr ;

queryItem  : K_QUERY IDENT LPAREN columns? RPAREN COLON_DASH body K_SELECT selected (COMMA selected)*
             (K_ORDER K_BY ordered (COMMA ordered)*)? (K_LIMIT expr)? (K_AS_OF K_OF expr)? SEMI EOF ;
selected   : expr (K_AS IDENT)? ;
ordered    : expr (K_ASC | K_DESC)? ;
viewItem   : K_FINAL? K_VIEW IDENT (LPAREN columns RPAREN)? K_AS IDENT SQL SEMI EOF ;
tableItem  : K_TABLE IDENT LPAREN columns RPAREN ARROW LPAREN columns RPAREN K_POLICY IDENT LBRACE row+ RBRACE SEMI? EOF ;
row        : cell (PIPE cell)* ARROW2 expr (PIPE expr)* SEMI ;
cell       : compareOp expr | expr (COMMA expr)* ;
functionItem : K_FUNCTION IDENT LPAREN columns? RPAREN ARROW typeExpr (EQ expr | K_EXTERN STRING) SEMI EOF ;

testItem   : K_TEST_DECL STRING (K_USES name (COMMA name)*)? round+ K_END EOF ;
round      : K_GIVEN given* K_EXPECT expected* ;
given      : (K_AT moment)? head SEMI
           | K_RETRACT head SEMI
           | K_UPDATE head assignments SEMI
           | K_ADVANCE expr SEMI
           | K_FIRE SEMI ;
expected   : K_FIRED ruleName (NUMBER K_TIMES)? SEMI
           | K_EMITTED head SEMI
           | K_DERIVED head K_BECAUSE ruleName SEMI
           | K_NO K_LOOP SEMI
           | term SEMI ;

// ───────────── tokens: how each is spelled ─────────────

// Signs.
COLON_DASH : ':-' ;  SUBTYPE : '<:' ;  ARROW_ANY : '->>' ;  ARROW : '->' ;  ARROW2 : '=>' ;
EQEQ : '==' ;  EQ : '=' ;  NE : '!=' ;  LE : '<=' ;  LT : '<' ;  GE : '>=' ;  GT : '>' ;
LPAREN : '(' ;  RPAREN : ')' ;  LBRACK : '[' ;  RBRACK : ']' ;  LBRACE : '{' ;  RBRACE : '}' ;
COMMA : ',' ;  COLON : ':' ;  SEMI : ';' ;  PIPE : '|' ;  DOTDOT : '..' ;  BANG : '!' ;  AT : '@' ;  DOLLAR : '$' ;
PLUS : '+' ;  MINUS : '-' ;  STAR : '*' ;  SLASH : '/' ;  PERCENT : '%' ;  CARET : '^' ;
UNDERSCORE : '_' ;

// Directives: recognised with a blank after them, as in Souffle.
D_DECL : '.decl' ;  D_TYPE : '.type' ;  D_NUMBER_TYPE : '.number_type' ;  D_SYMBOL_TYPE : '.symbol_type' ;
D_LATTICE : '.lattice' ;  D_INPUT : '.input' ;  D_OUTPUT : '.output' ;  D_PRINTSIZE : '.printsize' ;
D_LIMITSIZE : '.limitsize' ;  D_FUNCTOR : '.functor' ;  D_PRAGMA : '.pragma' ;  D_COMP : '.comp' ;  D_INIT : '.init' ;
D_OVERRIDE : '.override' ;  D_PLAN : '.plan' ;
CHOICE : 'choice-domain' ;

// Words Souffle reserves.
K_AS : 'as' ;  K_NIL : 'nil' ;  K_TRUE : 'true' ;  K_FALSE : 'false' ;
K_BAND : 'band' ;  K_BOR : 'bor' ;  K_BXOR : 'bxor' ;  K_BNOT : 'bnot' ;  K_BSHL : 'bshl' ;  K_BSHR : 'bshr' ;
K_BSHRU : 'bshru' ;  K_LAND : 'land' ;  K_LOR : 'lor' ;  K_LXOR : 'lxor' ;  K_LNOT : 'lnot' ;

// Soft words: keywords only where token_roles.h finds them in a keyword's place.
K_NOT : 'not' ;  K_EXISTS : 'exists' ;  K_FORALL : 'forall' ;  K_GROUP : 'group' ;  K_SEQUENCE : 'sequence' ;
K_LAST : 'last' ;  K_BEFORE : 'before' ;  K_IF : 'if' ;  K_THEN : 'then' ;  K_ELSE : 'else' ;  K_IN : 'in' ;
K_IS : 'is' ;  K_NULL : 'null' ;  K_OVER : 'over' ;  K_EVENTS : 'events' ;  K_CURRENT : 'current' ;
K_TUMBLING : 'tumbling' ;  K_HOPPING : 'hopping' ;  K_SESSION : 'session' ;  K_BY : 'by' ;  K_WITHIN : 'within' ;
K_UNTIL : 'until' ;  K_NEXT : 'next' ;  K_SKIP : 'skip' ;  K_MATCHES : 'matches' ;  K_FINAL : 'final' ;
K_MODULE : 'module' ;  K_IMPORT : 'import' ;  K_TYPE : 'type' ;  K_ENUM : 'enum' ;  K_RELATION : 'relation' ;
K_STREAM : 'stream' ;  K_EVENT : 'event' ;  K_RULE : 'rule' ;  K_QUERY : 'query' ;  K_VIEW : 'view' ;  K_TABLE : 'table' ;
K_FUNCTION : 'function' ;  K_WHERE : 'where' ;  K_KEY : 'key' ;  K_UNIQUE : 'unique' ;  K_DEFAULT : 'default' ;
K_REF : 'ref' ;  K_FROM : 'from' ;  K_TO : 'to' ;  K_INDEX : 'index' ;  K_VERSIONED : 'versioned' ;  K_RETAIN : 'retain' ;
K_EXPIRE : 'expire' ;  K_WITH : 'with' ;  K_TIME : 'time' ;  K_WATERMARK : 'watermark' ;  K_LATE : 'late' ;
K_DURATION : 'duration' ;  K_WHEN : 'when' ;  K_END : 'end' ;  K_SALIENCE : 'salience' ;  K_EXCLUSIVE : 'exclusive' ;
K_NO_LOOP : 'no_loop' ;  K_LOCK_ON_ACTIVE : 'lock_on_active' ;  K_AUTO_FOCUS : 'auto_focus' ;  K_ENABLED : 'enabled' ;
K_EVERY : 'every' ;  K_CRON : 'cron' ;  K_EFFECTIVE : 'effective' ;  K_DOC : 'doc' ;  K_INSERT : 'insert' ;
K_UPSERT : 'upsert' ;  K_DERIVE : 'derive' ;  K_RETRACT : 'retract' ;  K_EMIT : 'emit' ;  K_MODIFY : 'modify' ;
K_DELETE : 'delete' ;  K_CALL : 'call' ;  K_LET : 'let' ;  K_FOR : 'for' ;  K_SCHEDULE : 'schedule' ;  K_AFTER : 'after' ;
K_FOCUS : 'focus' ;  K_LOG : 'log' ;  K_HALT : 'halt' ;  K_SELECT : 'select' ;  K_ORDER : 'order' ;  K_LIMIT : 'limit' ;
K_ASC : 'asc' ;  K_DESC : 'desc' ;  K_OF : 'of' ;  K_POLICY : 'policy' ;  K_EXTERN : 'extern' ;  K_USES : 'uses' ;
K_GIVEN : 'given' ;  K_EXPECT : 'expect' ;  K_AT : 'at' ;  K_UPDATE : 'update' ;  K_ADVANCE : 'advance' ;  K_FIRE : 'fire' ;
K_FIRED : 'fired' ;  K_TIMES : 'times' ;  K_EMITTED : 'emitted' ;  K_DERIVED : 'derived' ;  K_BECAUSE : 'because' ;
K_NO : 'no' ;  K_LOOP : 'loop' ;


// Open classes. TIMESTAMP always has its T; DURATION is digits and units without a blank between.
TIMESTAMP : DIG DIG DIG DIG '-' DIG DIG '-' DIG DIG 'T' DIG DIG ':' DIG DIG (':' DIG DIG ('.' DIG+)?)? ('Z' | [+-] DIG DIG ':' DIG DIG)? ;
IPV4      : DIG+ '.' DIG+ '.' DIG+ '.' DIG+ ;
FLOAT     : DIG+ '.' DIG+ ([eE] [+-]? DIG+)? 'f'? | DIG+ [eE] [+-]? DIG+ 'f'? ;
DURATION  : (DIG+ ('ns' | 'us' | 'ms' | 's' | 'm' | 'h' | 'd' | 'w'))+ ;
UNSIGNED  : (DIG+ | '0x' [0-9a-fA-F]+ | '0b' [01]+) 'u' ;
NUMBER    : '0x' [0-9a-fA-F]+ | '0b' [01]+ | DIG+ ('_' DIG+)* ;
STRING    : '"' (~["\\] | '\\' .)* '"' ;
SQL       : '$$' .*? '$$' ;
IDENT     : [a-zA-Z?] [a-zA-Z0-9_?]* | '_' [a-zA-Z0-9_?]+ | '`' ~[`\r\n.]+ '`' ;
ANNOTATION : '@' '!'? '[' .*? ']' ;
UNKNOWN   : . ;
fragment DIG : [0-9] ;
