/** grammar/Sql.g4 - SQL in PostgreSQL 15's dialect, one statement at a time.

    The text is read by internal/sql_scanner.h, by hand (dollar quotes, nested comments and the tails of operators need
    it); the lexer rules below name the token types and are the spelling of every keyword and sign, the generated lexer
    itself is not used. Where one word means two things, internal/sql_roles.h gives the token another type before the
    parser sees it (a bracket that opens a query, NOT before LIKE, WITH before TIME), so that nearly all decisions look
    at one token.

    An expression is a flat list of operands and operators; the tree builder applies the precedences. So long chains
    cost no stack, and there is one rule where other grammars have twenty.

    Keywords have PostgreSQL's four classes: unreserved, names of columns but not of functions, of functions and types
    but not of columns, reserved; some of all four cannot be labels without AS. Words that no rule needs are no
    keywords here unless they are reserved. */
grammar Sql;

// Token types by place, spelled like another: sql_roles.h gives them.
tokens { QUERY_OPEN, NOT_INFIX, AT_ZONE, WITH_TIME, WITH_ORDINALITY, WITHOUT_TIME, AS_OF, FOR_SYSTEM, POSITION_IN, SUBSTRING_SIMILAR, SUBSTRING_ESCAPE,
         GROUPING_SETS, UNKNOWN,
         ROWS_FROM, CURRENT_OF, EXCLUDE_CONSTRAINT, ARGUMENT_NAME }

// ───────────── statements ─────────────

statement           : statementBody EOF ;
standaloneExpression : expr EOF ;

statementBody
  : withClause? ( insertStatement | updateStatement | deleteStatement | mergeStatement | queryTail )
  | truncateStatement | copyStatement | createStatement | dropStatement | alterStatement | refreshStatement
  | commentStatement | beginStatement | commitStatement | rollbackStatement | savepointStatement | setStatement
  | showStatement | resetStatement | discardStatement | lockStatement | explainStatement | prepareStatement
  | executeStatement | deallocateStatement | declareStatement | fetchStatement | closeStatement
  | maintenanceStatement | notifyStatement | callStatement | subscribeStatement ;
preparable : withClause? ( insertStatement | updateStatement | deleteStatement | mergeStatement | queryTail ) ;

// ───────────── queries ─────────────

query       : withClause? queryTail ;
queryTail   : setOperand (setOperator setOperand)* orderBy? queryLimit* ;
withClause  : K_WITH K_RECURSIVE? commonTable (COMMA commonTable)* ;
commonTable : colId columnList? K_AS (K_NOT? K_MATERIALIZED)? ( QUERY_OPEN query RPAREN | LPAREN change RPAREN ) ;
change      : withClause? ( insertStatement | updateStatement | deleteStatement | mergeStatement ) ;
setOperator : (K_UNION | K_EXCEPT | K_INTERSECT) (K_ALL | K_DISTINCT)? ;
setOperand  : selectCore | valuesClause | K_TABLE K_ONLY? qualifiedName STAR? | QUERY_OPEN query RPAREN ;
queryLimit  : K_LIMIT (K_ALL | expr)
            | K_OFFSET expr (K_ROW | K_ROWS)?
            | K_FETCH (K_FIRST | K_NEXT) expr? (K_ROW | K_ROWS) (K_ONLY | K_WITH K_TIES)
            | K_FOR ( lockStrength (K_OF qualifiedName (COMMA qualifiedName)*)? (K_NOWAIT | K_SKIP K_LOCKED)?
                    | K_READ K_ONLY ) ;
lockStrength : K_UPDATE | K_NO K_KEY K_UPDATE | K_SHARE | K_KEY K_SHARE ;

selectCore  : K_SELECT (K_ALL | K_DISTINCT (K_ON LPAREN exprList RPAREN)?)? selectList?
              (K_INTO (K_TEMP | K_TEMPORARY | K_UNLOGGED)? K_TABLE? qualifiedName)?
              (K_FROM tableRef (COMMA tableRef)*)? whereClause?
              (K_GROUP K_BY (K_ALL | K_DISTINCT)? groupingItem (COMMA groupingItem)*)?
              (K_HAVING expr)? (K_WINDOW namedWindow (COMMA namedWindow)*)? ;
selectList  : selectItem (COMMA selectItem)* ;
selectItem  : STAR | expr (K_AS colLabel | bareLabel)? ;
whereClause : K_WHERE expr ;
groupingItem : GROUPING_SETS K_SETS LPAREN groupingItem (COMMA groupingItem)* RPAREN | expr ;
namedWindow : colId K_AS LPAREN windowSpec RPAREN ;
windowSpec  : colId? (K_PARTITION K_BY exprList)? orderBy? frame? ;
frame       : (K_ROWS | K_RANGE | K_GROUPS) ( K_BETWEEN frameBound K_AND frameBound | frameBound )
              (K_EXCLUDE (K_CURRENT K_ROW | K_GROUP | K_TIES | K_NO K_OTHERS))? ;
frameBound  : K_UNBOUNDED (K_PRECEDING | K_FOLLOWING) | K_CURRENT K_ROW | expr (K_PRECEDING | K_FOLLOWING) ;
orderBy     : K_ORDER K_BY sortItem (COMMA sortItem)* ;
sortItem    : expr (K_ASC | K_DESC | K_USING operatorName)? nullsOrder? ;
nullsOrder  : K_NULLS (K_FIRST | K_LAST) ;
valuesClause : K_VALUES valuesRow (COMMA valuesRow)* ;
valuesRow   : LPAREN exprList RPAREN | QUERY_OPEN query RPAREN ;

// A join takes its right side whole, so that `a JOIN b JOIN c ON x ON y` nests as its conditions say.
tableRef     : tablePrimary joinTail* ;
joinTail     : K_CROSS K_JOIN tablePrimary
             | K_NATURAL joinKind? K_JOIN tablePrimary
             | joinKind? K_JOIN tableRef ( K_ON expr | K_USING columnList (K_AS colId)? ) ;
joinKind     : (K_LEFT | K_RIGHT | K_FULL) K_OUTER? | K_INNER ;
tablePrimary : K_LATERAL? ( QUERY_OPEN query RPAREN tableAlias?
                            | ROWS_FROM K_FROM LPAREN tableFunction (COMMA tableFunction)* RPAREN ordinality? tableAlias?
                            | specialCall ordinality? tableAlias?
                            | tableName STAR? callSuffix? ordinality? timeTravel? tableAlias? sample? )
             | LPAREN tableRef RPAREN tableAlias?
             | K_ONLY ( qualifiedName | LPAREN qualifiedName RPAREN ) timeTravel? tableAlias? sample? ;
ordinality   : WITH_ORDINALITY K_ORDINALITY ;
tableFunction : ( specialCall | tableName callSuffix ) (K_AS LPAREN aliasColumn (COMMA aliasColumn)* RPAREN)? ;
tableName    : ( nameWord | typeKeyword ) (DOT colLabel)* ;
typeKeyword  : K_INT | K_INTEGER | K_SMALLINT | K_BIGINT | K_REAL | K_BOOLEAN | K_FLOAT | K_DECIMAL | K_DEC | K_NUMERIC | K_VARCHAR | K_NATIONAL
             | K_BIT | K_CHARACTER | K_CHAR | K_NCHAR | K_TIME | K_TIMESTAMP | K_INTERVAL | K_DOUBLE ;
tableAlias   : K_AS ( colId (LPAREN aliasColumn (COMMA aliasColumn)* RPAREN)?
                    | LPAREN aliasColumn (COMMA aliasColumn)* RPAREN )
             | colId (LPAREN aliasColumn (COMMA aliasColumn)* RPAREN)? ;
aliasColumn  : colId typeName? ;
timeTravel   : FOR_SYSTEM K_SYSTEM_TIME AS_OF K_OF expr | AS_OF K_OF (K_VERSION | K_TIMESTAMP) expr ;
sample       : K_TABLESAMPLE qualifiedName LPAREN exprList RPAREN (K_REPEATABLE LPAREN expr RPAREN)? ;

// ───────────── expressions ─────────────

// A flat list of operands and operators: the tree builder applies the precedences.
expr       : prefix* primary exprTail* ;
exprList   : expr (COMMA expr)* ;
prefix     : K_NOT | PLUS | MINUS | OP | K_OPERATOR LPAREN (colId DOT)* symbol RPAREN ;
exprTail   : ( PLUS | MINUS | STAR | SLASH | PERCENT | CARET | LT | GT | EQ | LE | GE | NE | OP | K_AND | K_OR
             | K_ESCAPE | K_OVERLAPS ) operand
           | K_OPERATOR LPAREN (colId DOT)* symbol RPAREN operand
           | NOT_INFIX? ( (K_LIKE | K_ILIKE | K_SIMILAR K_TO | K_BETWEEN (K_SYMMETRIC | K_ASYMMETRIC)?) operand
                        | K_IN ( LPAREN exprList RPAREN | QUERY_OPEN query RPAREN ) )
           | K_IS K_NOT? ( K_NULL | K_TRUE | K_FALSE | K_UNKNOWN | K_DISTINCT K_FROM operand
                       | IDENT? K_NORMALIZED )
           | K_ISNULL
           | K_NOTNULL
           | AT_ZONE K_TIME K_ZONE operand
           | TYPECAST typeName
           | K_COLLATE anyName
           | LBRACK expr? (COLON expr?)? RBRACK
           | DOT (colLabel | STAR)
           | callSuffix
           | string intervalFields? ;
operand    : prefix* primary
           | (K_ANY | K_SOME | K_ALL) ( LPAREN expr RPAREN | QUERY_OPEN query RPAREN ) ;
primary    : ICONST | FCONST | string | BIT_STRING | HEX_STRING | PARAM | K_TRUE | K_FALSE | K_NULL | K_DEFAULT
           | nameWord
           | LPAREN exprList? RPAREN
           | QUERY_OPEN query RPAREN
           | K_CASE expr? (K_WHEN expr K_THEN expr)+ (K_ELSE expr)? K_END
           | K_EXISTS QUERY_OPEN query RPAREN
           | K_ARRAY ( arrayBody | QUERY_OPEN query RPAREN )
           | K_ROW LPAREN exprList? RPAREN
           | keywordType
           | CURRENT_OF K_OF colId
           | specialCall ;
arrayBody  : LBRACK ( expr (COMMA expr)* | arrayBody (COMMA arrayBody)* )? RBRACK ;
string     : STRING ;
symbol     : OP | PLUS | MINUS | STAR | SLASH | PERCENT | CARET | LT | GT | EQ | LE | GE | NE ;
operatorName : symbol | K_OPERATOR LPAREN (colId DOT)* symbol RPAREN ;
callSuffix : LPAREN ( STAR | (K_ALL | K_DISTINCT)? argument (COMMA argument)* orderBy? )? RPAREN
             (K_WITHIN K_GROUP LPAREN orderBy RPAREN)? (K_FILTER LPAREN K_WHERE expr RPAREN)?
             (K_OVER (colId | LPAREN windowSpec RPAREN))? ;
argument   : K_VARIADIC expr | (ARGUMENT_NAME (COLON_EQUALS | ARROW))? expr ;

// The calls that SQL writes in its own ways.
specialCall
  : (K_COALESCE | K_NULLIF | K_GREATEST | K_LEAST | K_GROUPING) LPAREN exprList RPAREN
  | (K_CAST | K_TREAT) LPAREN expr K_AS typeName RPAREN
  | K_EXTRACT LPAREN (colLabel | string) K_FROM expr RPAREN
  | K_SUBSTRING LPAREN substringBody? RPAREN
  | K_POSITION LPAREN expr POSITION_IN expr RPAREN
  | K_TRIM LPAREN (K_BOTH | K_LEADING | K_TRAILING)? trimBody RPAREN
  | K_OVERLAY LPAREN expr ( K_PLACING expr K_FROM expr (K_FOR expr)? | (COMMA expr)+ ) RPAREN
  | K_NORMALIZE LPAREN expr (COMMA colLabel)? RPAREN
  | K_COLLATION K_FOR LPAREN expr RPAREN
  | ( K_CURRENT_DATE | K_CURRENT_TIME | K_CURRENT_TIMESTAMP | K_LOCALTIME | K_LOCALTIMESTAMP | K_CURRENT_USER
    | K_CURRENT_ROLE | K_SESSION_USER | K_USER | K_CURRENT_CATALOG | K_CURRENT_SCHEMA ) (LPAREN ICONST? RPAREN)? ;
substringBody : expr ( K_FROM expr (K_FOR expr)? | K_FOR expr (K_FROM expr)? | SUBSTRING_SIMILAR expr SUBSTRING_ESCAPE expr
                     | (COMMA expr)+ )? ;
trimBody   : K_FROM exprList | expr ( K_FROM exprList | (COMMA expr)+ )? ;

// ───────────── types ─────────────

typeName      : K_SETOF? ( keywordType intervalFields? | K_INTERVAL intervalFields? modifiers? | typeWord (DOT colLabel)* modifiers? )
                ( (LBRACK ICONST? RBRACK)+ | K_ARRAY (LBRACK ICONST RBRACK)? )? ;
keywordType   : K_INT | K_INTEGER | K_SMALLINT | K_BIGINT | K_REAL | K_BOOLEAN | K_DOUBLE K_PRECISION?
              | (K_FLOAT | K_DECIMAL | K_DEC | K_NUMERIC | K_VARCHAR) modifiers?
              | K_NATIONAL? (K_BIT | K_CHARACTER | K_CHAR | K_NCHAR) K_VARYING? modifiers?
              | (K_TIME | K_TIMESTAMP) modifiers? ((WITH_TIME | WITHOUT_TIME) K_TIME K_ZONE)?
              | K_INTERVAL modifiers? ;
intervalFields : K_YEAR (K_TO K_MONTH)? | K_MONTH | K_DAY (K_TO (K_HOUR | K_MINUTE | K_SECOND modifiers?))?
              | K_HOUR (K_TO (K_MINUTE | K_SECOND modifiers?))? | K_MINUTE (K_TO K_SECOND modifiers?)? | K_SECOND modifiers? ;
modifiers     : LPAREN signedNumber (COMMA signedNumber)* RPAREN ;
signedNumber  : (PLUS | MINUS)? (ICONST | FCONST) ;

// ───────────── changes of rows ─────────────

insertStatement : K_INSERT K_INTO qualifiedName (K_AS colId)? (LPAREN target (COMMA target)* RPAREN)?
                  overriding? ( K_DEFAULT K_VALUES | query ) onConflict? returning? ;
overriding      : K_OVERRIDING (K_USER | K_SYSTEM) K_VALUE ;
target          : colId targetPart* ;
targetPart      : DOT colLabel | LBRACK expr? (COLON expr?)? RBRACK ;
onConflict      : K_ON K_CONFLICT ( LPAREN indexElement (COMMA indexElement)* RPAREN whereClause? | K_ON K_CONSTRAINT colId )?
                  K_DO ( K_NOTHING | K_UPDATE K_SET assignment (COMMA assignment)* whereClause? ) ;
indexElement    : expr (anyName optionList?)? (K_ASC | K_DESC)? nullsOrder? ;
returning       : K_RETURNING selectList ;
updateStatement : K_UPDATE relation (K_AS? colId)? K_SET assignment (COMMA assignment)*
                  (K_FROM tableRef (COMMA tableRef)*)? whereClause? returning? ;
assignment      : target EQ expr | LPAREN target (COMMA target)* RPAREN EQ expr ;
deleteStatement : K_DELETE K_FROM relation (K_AS? colId)? (K_USING tableRef (COMMA tableRef)*)? whereClause? returning? ;
mergeStatement  : K_MERGE K_INTO relation (K_AS? colId)? K_USING tablePrimary K_ON expr mergeBranch+ ;
mergeBranch     : K_WHEN K_NOT? K_MATCHED (K_AND expr)? K_THEN
                  ( K_UPDATE K_SET assignment (COMMA assignment)* | K_DELETE | K_DO K_NOTHING
                  | K_INSERT (LPAREN target (COMMA target)* RPAREN)? overriding? ( K_VALUES LPAREN exprList RPAREN | K_DEFAULT K_VALUES ) ) ;
relation        : K_ONLY ( qualifiedName | LPAREN qualifiedName RPAREN ) | qualifiedName STAR? ;
truncateStatement : K_TRUNCATE K_TABLE? relation (COMMA relation)* ((K_RESTART | K_CONTINUE) K_IDENTITY)? behavior? ;
copyStatement   : K_COPY K_BINARY? ( qualifiedName columnList? | QUERY_OPEN query RPAREN | LPAREN (change | subscribeStatement) RPAREN )
                  (K_FROM | K_TO) ( K_PROGRAM? string | K_STDIN | K_STDOUT ) (K_USING? K_DELIMITERS string)?
                  K_WITH? ( optionList | copyOption* ) whereClause? ;
copyOption      : K_BINARY | K_FREEZE | K_CSV | K_HEADER | (K_DELIMITER | K_NULL | K_QUOTE | K_ESCAPE | K_ENCODING) K_AS? string
                | K_FORCE (K_QUOTE | K_NOT? K_NULL) (STAR | colId (COMMA colId)*) ;

// ───────────── definitions ─────────────

createStatement : K_CREATE (K_OR K_REPLACE)? ( persistence? ( createTable | createView | createSequence )
                | createIndex | createMaterializedView | createSchema | createType | createDomain | createRole | createConnector ) ;
persistence     : (K_LOCAL | K_GLOBAL)? (K_TEMP | K_TEMPORARY) | K_UNLOGGED ;
ifNotExists     : K_IF K_NOT K_EXISTS ;
ifExists        : K_IF K_EXISTS ;
behavior        : K_CASCADE | K_RESTRICT ;
createTable     : K_TABLE ifNotExists? qualifiedName (LPAREN (tableElement (COMMA tableElement)*)? RPAREN)?
                  (K_INHERITS LPAREN qualifiedName (COMMA qualifiedName)* RPAREN)? (K_USING colId)? (K_WITH optionList | K_WITHOUT K_OIDS)?
                  (K_ON K_COMMIT (K_DROP | (K_PRESERVE | K_DELETE) K_ROWS))? partitionText?
                  (K_AS ( query | executeStatement ) (K_WITH K_NO? K_DATA)?)? ;
partitionText   : K_PARTITION rest ;
rest            : ~SEMI* ;
tableElement    : tableConstraint | K_LIKE qualifiedName ((K_INCLUDING | K_EXCLUDING) colLabel)* | columnDefinition ;
columnDefinition : colId typeName? (K_COLLATE anyName)? columnConstraint* ;
columnConstraint : (K_CONSTRAINT colId)?
                   ( K_NOT K_NULL | K_NULL | K_UNIQUE nullsDistinct? (K_WITH optionList)? | K_PRIMARY K_KEY (K_WITH optionList)?
                   | K_DEFAULT expr | K_CHECK LPAREN expr RPAREN | reference
                   | K_GENERATED (K_ALWAYS | K_BY K_DEFAULT) K_AS ( LPAREN expr RPAREN K_STORED | K_IDENTITY (LPAREN sequenceOption+ RPAREN)? ) )
                 | deferral ;
nullsDistinct   : K_NULLS K_NOT? K_DISTINCT ;
deferral        : K_NOT? K_DEFERRABLE | K_INITIALLY (K_DEFERRED | K_IMMEDIATE) | K_NOT K_VALID | K_NO K_INHERIT ;
reference       : K_REFERENCES qualifiedName columnList? referencePart* ;
referencePart   : K_MATCH (K_FULL | K_PARTIAL | K_SIMPLE)
                | K_ON (K_DELETE | K_UPDATE) ( K_NO K_ACTION | K_RESTRICT | K_CASCADE | K_SET (K_NULL | K_DEFAULT) columnList? ) ;
tableConstraint : (K_CONSTRAINT colId)?
                  ( K_CHECK LPAREN expr RPAREN
                  | K_UNIQUE nullsDistinct? ( columnList include? (K_WITH optionList)? | K_USING K_INDEX colId )
                  | K_PRIMARY K_KEY ( columnList include? (K_WITH optionList)? | K_USING K_INDEX colId )
                  | K_FOREIGN K_KEY columnList reference
                  | EXCLUDE_CONSTRAINT excludeText ) deferral* ;
include         : K_INCLUDE columnList ;
excludeText     : (K_USING colId)? group include? (K_WHERE group)? ;
group           : LPAREN ( group | ~(LPAREN | RPAREN) )* RPAREN ;
createView      : K_RECURSIVE? K_VIEW qualifiedName columnList? (K_WITH optionList)? K_AS query (K_WITH (K_LOCAL | K_CASCADED)? K_CHECK K_OPTION)? ;
createMaterializedView : K_MATERIALIZED K_VIEW ifNotExists? qualifiedName columnList? (K_USING colId)? (K_WITH optionList)? K_AS query (K_WITH K_NO? K_DATA)? ;
refreshStatement : K_REFRESH K_MATERIALIZED K_VIEW K_CONCURRENTLY? qualifiedName (K_WITH K_NO? K_DATA)? ;
createIndex     : K_UNIQUE? K_INDEX K_CONCURRENTLY? (ifNotExists? colId)? K_ON relation (K_USING colId)?
                  LPAREN indexElement (COMMA indexElement)* RPAREN include? nullsDistinct? (K_WITH optionList)? whereClause? ;
createSequence  : K_SEQUENCE ifNotExists? qualifiedName sequenceOption* ;
sequenceOption  : K_AS typeName | K_INCREMENT K_BY? signedNumber | K_START K_WITH? signedNumber | K_RESTART (K_WITH? signedNumber)?
                | (K_MINVALUE | K_MAXVALUE | K_CACHE) signedNumber | K_NO (K_MINVALUE | K_MAXVALUE | K_CYCLE) | K_CYCLE
                | K_OWNED K_BY qualifiedName | K_SEQUENCE K_NAME qualifiedName ;
createSchema    : K_SCHEMA ( ifNotExists? colId (K_AUTHORIZATION colId)? | ifNotExists? K_AUTHORIZATION colId ) createStatement* ;
createType      : K_TYPE qualifiedName K_AS ( K_ENUM LPAREN (string (COMMA string)*)? RPAREN | LPAREN (columnDefinition (COMMA columnDefinition)*)? RPAREN ) ;
createDomain    : K_DOMAIN qualifiedName K_AS? typeName (K_COLLATE anyName)? columnConstraint* ;
createRole      : (K_ROLE | K_USER | K_GROUP) colId K_WITH? roleOption* ;
roleOption      : (K_ENCRYPTED)? K_PASSWORD (string | K_NULL) | K_CONNECTION K_LIMIT signedNumber | K_VALID K_UNTIL string
                | (K_IN (K_ROLE | K_GROUP) | K_ROLE | K_ADMIN | K_USER) colId (COMMA colId)* | K_INHERIT | IDENT ;
createConnector : (K_SOURCE | K_SINK) ifNotExists? connectorName rest ;
connectorName   : colId (DOT colLabel)* ;
dropStatement   : K_DROP dropKind K_CONCURRENTLY? ifExists? qualifiedName (COMMA qualifiedName)* behavior? ;
dropKind        : K_TABLE | K_VIEW | K_MATERIALIZED K_VIEW | K_INDEX | K_SEQUENCE | K_SCHEMA | K_TYPE | K_DOMAIN | K_ROLE | K_USER | K_GROUP
                | K_SOURCE | K_SINK ;
alterStatement  : K_ALTER ( (K_ROLE | K_USER | K_GROUP) colId K_WITH? roleOption*
                | K_SEQUENCE ifExists? qualifiedName ( sequenceOption+ | alterAction )
                | K_TYPE qualifiedName ( alterEnum | alterAction (COMMA alterAction)* )
                | (K_TABLE | K_VIEW | K_MATERIALIZED K_VIEW | K_INDEX | K_SCHEMA | K_DOMAIN) ifExists? relation alterAction (COMMA alterAction)* ) ;
alterEnum       : K_ADD K_VALUE ifNotExists? string ((K_BEFORE | K_AFTER) string)? | K_RENAME K_VALUE string K_TO string ;
alterAction     : K_ADD tableConstraint
                | K_ADD K_COLUMN? ifNotExists? columnDefinition
                | K_DROP K_CONSTRAINT ifExists? colId behavior?
                | K_DROP (K_DEFAULT | K_NOT K_NULL)
                | K_DROP K_COLUMN? ifExists? colId behavior?
                | K_ALTER K_CONSTRAINT colId deferral*
                | K_ALTER K_COLUMN? colId alterColumn
                | K_VALIDATE K_CONSTRAINT colId
                | K_RENAME K_TO colId
                | K_RENAME K_CONSTRAINT colId K_TO colId
                | K_RENAME K_COLUMN? colId K_TO colId
                | K_SET K_SCHEMA colId
                | K_SET optionList
                | K_SET (K_DEFAULT expr | K_NOT K_NULL)
                | K_RESET optionList
                | K_OWNER K_TO colIdOrUser
                | (K_ENABLE | K_DISABLE | K_FORCE | K_INHERIT | K_NO | K_CLUSTER | K_REPLICA | K_ATTACH | K_DETACH | K_DEPENDS | K_SET) otherAction ;
otherAction     : ( group | ~(COMMA | LPAREN | RPAREN | QUERY_OPEN) )* ;
alterColumn     : (K_SET K_DATA)? K_TYPE typeName (K_COLLATE anyName)? (K_USING expr)?
                | K_SET K_DEFAULT expr | K_DROP K_DEFAULT | (K_SET | K_DROP) K_NOT K_NULL
                | K_ADD K_GENERATED (K_ALWAYS | K_BY K_DEFAULT) K_AS K_IDENTITY (LPAREN sequenceOption+ RPAREN)?
                | (K_SET K_GENERATED (K_ALWAYS | K_BY K_DEFAULT) | K_SET sequenceOption | K_RESTART (K_WITH? signedNumber)?)+
                | K_DROP K_IDENTITY ifExists? | K_DROP K_EXPRESSION ifExists?
                | K_SET (K_STATISTICS | K_STORAGE | K_COMPRESSION) otherAction
                | (K_SET | K_RESET) group ;
colIdOrUser     : colId | K_CURRENT_USER | K_SESSION_USER | K_CURRENT_ROLE ;
commentStatement : K_COMMENT K_ON commentKind qualifiedName (K_ON K_DOMAIN? qualifiedName)? K_IS (string | K_NULL) ;
commentKind     : K_MATERIALIZED K_VIEW | K_TABLE | K_COLUMN | K_VIEW | K_INDEX | K_SEQUENCE | K_SCHEMA | K_TYPE | K_DOMAIN | K_ROLE | K_CONSTRAINT | K_DATABASE ;

optionList  : LPAREN option (COMMA option)* RPAREN ;
option      : colLabel (DOT colLabel)? (EQ? optionValue)? ;
optionValue : signedNumber | string | colLabel | STAR | LPAREN optionItem (COMMA optionItem)* RPAREN ;
optionItem  : signedNumber | string | colLabel | STAR ;

// ───────────── transactions and sessions ─────────────

beginStatement     : K_BEGIN (K_WORK | K_TRANSACTION)? transactionModes? | K_START K_TRANSACTION transactionModes? ;
transactionModes   : transactionMode (COMMA? transactionMode)* ;
transactionMode    : K_ISOLATION K_LEVEL isolationLevel | K_READ (K_ONLY | K_WRITE) | K_NOT? K_DEFERRABLE ;
isolationLevel     : K_READ (K_COMMITTED | K_UNCOMMITTED) | K_REPEATABLE K_READ | K_SERIALIZABLE ;
commitStatement    : (K_COMMIT | K_END) (K_WORK | K_TRANSACTION)? (K_AND K_NO? K_CHAIN)? ;
rollbackStatement  : (K_ROLLBACK | K_ABORT) (K_WORK | K_TRANSACTION)? ( (K_AND K_NO? K_CHAIN)? | K_TO K_SAVEPOINT? colId ) ;
savepointStatement : K_SAVEPOINT colId | K_RELEASE K_SAVEPOINT? colId ;
setStatement       : K_SET ( K_CONSTRAINTS (K_ALL | qualifiedName (COMMA qualifiedName)*) (K_DEFERRED | K_IMMEDIATE)
                           | K_TRANSACTION ( transactionModes | K_SNAPSHOT string )
                           | K_SESSION K_CHARACTERISTICS K_AS K_TRANSACTION transactionModes
                           | (K_SESSION | K_LOCAL)? setting ) ;
setting            : K_TIME K_ZONE ( zoneValue | K_LOCAL | K_DEFAULT )
                   | K_SESSION? K_AUTHORIZATION (settingValue | K_DEFAULT)
                   | (K_ROLE | K_NAMES | K_SCHEMA) (settingValue | K_DEFAULT)
                   | settingName (K_TO | EQ) ( K_DEFAULT | settingValue (COMMA settingValue)* ) ;
zoneValue          : settingValue | K_INTERVAL modifiers? string intervalFields? ;
settingName        : colId (DOT colId)* ;
settingValue       : signedNumber | string | nonReservedWord | K_TRUE | K_FALSE | K_ON ;
showStatement      : K_SHOW showTarget ;
resetStatement     : K_RESET showTarget ;
showTarget         : K_ALL | K_TIME K_ZONE | K_TRANSACTION K_ISOLATION K_LEVEL | K_SESSION K_AUTHORIZATION | settingName ;
discardStatement   : K_DISCARD (K_ALL | K_PLANS | K_SEQUENCES | K_TEMP | K_TEMPORARY) ;
lockStatement      : K_LOCK K_TABLE? relation (COMMA relation)* (K_IN lockMode K_MODE)? K_NOWAIT? ;
lockMode           : K_ACCESS (K_SHARE | K_EXCLUSIVE) | K_ROW (K_SHARE | K_EXCLUSIVE) | K_SHARE (K_UPDATE K_EXCLUSIVE | K_ROW K_EXCLUSIVE)? | K_EXCLUSIVE ;
explainStatement   : K_EXPLAIN ( optionList | K_ANALYZE? K_VERBOSE? ) explainable ;
explainable        : preparable | createStatement | executeStatement | declareStatement | refreshStatement | subscribeStatement ;
prepareStatement   : K_PREPARE colId (LPAREN typeName (COMMA typeName)* RPAREN)? K_AS preparable ;
executeStatement   : K_EXECUTE colId (LPAREN exprList RPAREN)? ;
deallocateStatement : K_DEALLOCATE K_PREPARE? (colId | K_ALL) ;
declareStatement   : K_DECLARE colId (K_BINARY | K_ASENSITIVE | K_INSENSITIVE | K_NO? K_SCROLL)* K_CURSOR ((K_WITH | K_WITHOUT) K_HOLD)?
                     K_FOR ( query | subscribeStatement ) ;
fetchStatement     : (K_FETCH | K_MOVE) fetchDirection? (K_FROM | K_IN)? colId (K_WITH optionList)? ;
fetchDirection     : K_NEXT | K_PRIOR | K_FIRST | K_LAST | K_ABSOLUTE signedNumber | K_RELATIVE signedNumber | signedNumber | K_ALL
                   | K_FORWARD (signedNumber | K_ALL)? | K_BACKWARD (signedNumber | K_ALL)? ;
closeStatement     : K_CLOSE (colId | K_ALL) ;
maintenanceStatement : K_VACUUM ( optionList | K_FULL? K_FREEZE? K_VERBOSE? K_ANALYZE? ) maintained?
                   | (K_ANALYZE | K_ANALYSE) ( optionList | K_VERBOSE? ) maintained?
                   | K_CHECKPOINT
                   | K_REINDEX optionList? (K_INDEX | K_TABLE | K_SCHEMA | K_DATABASE | K_SYSTEM) K_CONCURRENTLY? qualifiedName
                   | K_CLUSTER K_VERBOSE? (qualifiedName (K_USING colId)?)? ;
maintained         : qualifiedName columnList? (COMMA qualifiedName columnList?)* ;
notifyStatement    : K_LISTEN colId | K_UNLISTEN (colId | STAR) | K_NOTIFY colId (COMMA string)? ;
callStatement      : K_CALL tableName callSuffix ;
subscribeStatement : K_SUBSCRIBE K_TO? ( qualifiedName | QUERY_OPEN query RPAREN ) ((AS_OF K_OF) expr)? (K_UP K_TO expr)? (K_WITH optionList)?
                     ( K_ENVELOPE colId LPAREN K_KEY columnList RPAREN | K_WITHIN K_TIMESTAMP orderBy )? ;

// ───────────── names ─────────────

qualifiedName : colId (DOT colLabel)* ;
anyName       : colId (DOT colLabel)* ;
columnList    : LPAREN colId (COMMA colId)* RPAREN ;

colId           : IDENT | K_ABORT | K_ABSOLUTE | K_ACCESS | K_ACTION | K_ADD | K_ADMIN | K_AFTER | K_ALTER | K_ALWAYS
                | K_ASENSITIVE | K_AT | K_ATTACH | K_BACKWARD | K_BEFORE | K_BEGIN | K_BIGINT | K_BIT | K_BOOLEAN
                | K_BY | K_CACHE | K_CALL | K_CASCADE | K_CASCADED | K_CHAIN | K_CHAR | K_CHARACTER
                | K_CHARACTERISTICS | K_CHECKPOINT | K_CLOSE | K_CLUSTER | K_COALESCE | K_COMMENT | K_COMMIT
                | K_COMMITTED | K_COMPRESSION | K_CONFLICT | K_CONNECTION | K_CONSTRAINTS | K_CONTINUE | K_COPY
                | K_CSV | K_CURRENT | K_CURSOR | K_CYCLE | K_DATA | K_DATABASE | K_DAY | K_DEALLOCATE | K_DEC
                | K_DECIMAL | K_DECLARE | K_DEFERRED | K_DELETE | K_DELIMITER | K_DELIMITERS | K_DEPENDS | K_DETACH
                | K_DISABLE | K_DISCARD | K_DOMAIN | K_DOUBLE | K_DROP | K_ENABLE | K_ENCODING | K_ENCRYPTED | K_ENUM
                | K_ENVELOPE | K_EXCLUDE | K_EXCLUDING | K_EXCLUSIVE | K_EXECUTE | K_EXISTS | K_EXPLAIN | K_EXPRESSION
                | K_EXTRACT | K_FIRST | K_FLOAT | K_FOLLOWING | K_FORCE | K_FORWARD | K_GENERATED | K_GLOBAL
                | K_GREATEST | K_GROUPING | K_GROUPS | K_HEADER | K_HOLD | K_HOUR | K_IDENTITY | K_IF | K_IMMEDIATE
                | K_INCLUDE | K_INCLUDING | K_INCREMENT | K_INDEX | K_INHERIT | K_INHERITS | K_INOUT | K_INSENSITIVE
                | K_INSERT | K_INT | K_INTEGER | K_INTERVAL | K_ISOLATION | K_KEY | K_LAST | K_LEAST | K_LEVEL
                | K_LISTEN | K_LOCAL | K_LOCK | K_LOCKED | K_MATCH | K_MATCHED | K_MATERIALIZED | K_MAXVALUE | K_MERGE
                | K_MINUTE | K_MINVALUE | K_MODE | K_MONTH | K_MOVE | K_NAME | K_NAMES | K_NATIONAL | K_NCHAR | K_NEXT
                | K_NO | K_NONE | K_NORMALIZE | K_NORMALIZED | K_NOTHING | K_NOTIFY | K_NOWAIT | K_NULLIF | K_NULLS
                | K_NUMERIC | K_OF | K_OIDS | K_OPTION | K_ORDINALITY | K_OTHERS | K_OUT | K_OVERLAY | K_OVERRIDING
                | K_OWNED | K_OWNER | K_PARTIAL | K_PARTITION | K_PASSWORD | K_PLANS | K_POSITION | K_PRECEDING
                | K_PRECISION | K_PREPARE | K_PRESERVE | K_PRIOR | K_PROGRAM | K_QUOTE | K_RANGE | K_READ | K_REAL
                | K_RECURSIVE | K_REFRESH | K_REINDEX | K_RELATIVE | K_RELEASE | K_RENAME | K_REPEATABLE | K_REPLACE
                | K_REPLICA | K_RESET | K_RESTART | K_RESTRICT | K_ROLE | K_ROLLBACK | K_ROW | K_ROWS | K_SAVEPOINT
                | K_SCHEMA | K_SCROLL | K_SECOND | K_SEQUENCE | K_SEQUENCES | K_SERIALIZABLE | K_SESSION | K_SET
                | K_SETOF | K_SETS | K_SHARE | K_SHOW | K_SIMPLE | K_SINK | K_SKIP | K_SMALLINT | K_SNAPSHOT
                | K_SOURCE | K_START | K_STATISTICS | K_STDIN | K_STDOUT | K_STORAGE | K_STORED | K_SUBSCRIBE
                | K_SUBSTRING | K_SYSTEM | K_SYSTEM_TIME | K_TEMP | K_TEMPORARY | K_TIES | K_TIME | K_TIMESTAMP
                | K_TRANSACTION | K_TREAT | K_TRIM | K_TRUNCATE | K_TYPE | K_UNBOUNDED | K_UNCOMMITTED | K_UNKNOWN
                | K_UNLISTEN | K_UNLOGGED | K_UNTIL | K_UP | K_UPDATE | K_VACUUM | K_VALID | K_VALIDATE | K_VALUE
                | K_VALUES | K_VARCHAR | K_VARYING | K_VERSION | K_VIEW | K_WITHOUT | K_WORK | K_WRITE | K_YEAR
                | K_ZONE ;
typeWord        : IDENT | K_ABORT | K_ABSOLUTE | K_ACCESS | K_ACTION | K_ADD | K_ADMIN | K_AFTER | K_ALTER | K_ALWAYS
                | K_ASENSITIVE | K_AT | K_ATTACH | K_AUTHORIZATION | K_BACKWARD | K_BEFORE | K_BEGIN | K_BINARY | K_BY
                | K_CACHE | K_CALL | K_CASCADE | K_CASCADED | K_CHAIN | K_CHARACTERISTICS | K_CHECKPOINT | K_CLOSE
                | K_CLUSTER | K_COLLATION | K_COMMENT | K_COMMIT | K_COMMITTED | K_COMPRESSION | K_CONCURRENTLY
                | K_CONFLICT | K_CONNECTION | K_CONSTRAINTS | K_CONTINUE | K_COPY | K_CROSS | K_CSV | K_CURRENT
                | K_CURRENT_SCHEMA | K_CURSOR | K_CYCLE | K_DATA | K_DATABASE | K_DAY | K_DEALLOCATE | K_DECLARE
                | K_DEFERRED | K_DELETE | K_DELIMITER | K_DELIMITERS | K_DEPENDS | K_DETACH | K_DISABLE | K_DISCARD
                | K_DOMAIN | K_DROP | K_ENABLE | K_ENCODING | K_ENCRYPTED | K_ENUM | K_ENVELOPE | K_EXCLUDE
                | K_EXCLUDING | K_EXCLUSIVE | K_EXECUTE | K_EXPLAIN | K_EXPRESSION | K_FIRST | K_FOLLOWING | K_FORCE
                | K_FORWARD | K_FREEZE | K_FULL | K_GENERATED | K_GLOBAL | K_GROUPS | K_HEADER | K_HOLD | K_HOUR
                | K_IDENTITY | K_IF | K_ILIKE | K_IMMEDIATE | K_INCLUDE | K_INCLUDING | K_INCREMENT | K_INDEX
                | K_INHERIT | K_INHERITS | K_INNER | K_INSENSITIVE | K_INSERT | K_IS | K_ISNULL | K_ISOLATION | K_JOIN
                | K_KEY | K_LAST | K_LEFT | K_LEVEL | K_LIKE | K_LISTEN | K_LOCAL | K_LOCK | K_LOCKED | K_MATCH
                | K_MATCHED | K_MATERIALIZED | K_MAXVALUE | K_MERGE | K_MINUTE | K_MINVALUE | K_MODE | K_MONTH
                | K_MOVE | K_NAME | K_NAMES | K_NATURAL | K_NEXT | K_NO | K_NORMALIZED | K_NOTHING | K_NOTIFY
                | K_NOTNULL | K_NOWAIT | K_NULLS | K_OF | K_OIDS | K_OPTION | K_ORDINALITY | K_OTHERS | K_OUTER
                | K_OVERLAPS | K_OVERRIDING | K_OWNED | K_OWNER | K_PARTIAL | K_PARTITION | K_PASSWORD | K_PLANS
                | K_PRECEDING | K_PREPARE | K_PRESERVE | K_PRIOR | K_PROGRAM | K_QUOTE | K_RANGE | K_READ
                | K_RECURSIVE | K_REFRESH | K_REINDEX | K_RELATIVE | K_RELEASE | K_RENAME | K_REPEATABLE | K_REPLACE
                | K_REPLICA | K_RESET | K_RESTART | K_RESTRICT | K_RIGHT | K_ROLE | K_ROLLBACK | K_ROWS | K_SAVEPOINT
                | K_SCHEMA | K_SCROLL | K_SECOND | K_SEQUENCE | K_SEQUENCES | K_SERIALIZABLE | K_SESSION | K_SET
                | K_SETS | K_SHARE | K_SHOW | K_SIMILAR | K_SIMPLE | K_SINK | K_SKIP | K_SNAPSHOT | K_SOURCE | K_START
                | K_STATISTICS | K_STDIN | K_STDOUT | K_STORAGE | K_STORED | K_SUBSCRIBE | K_SYSTEM | K_SYSTEM_TIME
                | K_TABLESAMPLE | K_TEMP | K_TEMPORARY | K_TIES | K_TRANSACTION | K_TRUNCATE | K_TYPE | K_UNBOUNDED
                | K_UNCOMMITTED | K_UNKNOWN | K_UNLISTEN | K_UNLOGGED | K_UNTIL | K_UP | K_UPDATE | K_VACUUM | K_VALID
                | K_VALIDATE | K_VALUE | K_VARYING | K_VERBOSE | K_VERSION | K_VIEW | K_WITHOUT | K_WORK | K_WRITE
                | K_YEAR | K_ZONE ;
nameWord        : IDENT | K_ABORT | K_ABSOLUTE | K_ACCESS | K_ACTION | K_ADD | K_ADMIN | K_AFTER | K_ALTER | K_ALWAYS
                | K_ASENSITIVE | K_AT | K_ATTACH | K_AUTHORIZATION | K_BACKWARD | K_BEFORE | K_BEGIN | K_BINARY | K_BY
                | K_CACHE | K_CALL | K_CASCADE | K_CASCADED | K_CHAIN | K_CHARACTERISTICS | K_CHECKPOINT | K_CLOSE
                | K_CLUSTER | K_COMMENT | K_COMMIT | K_COMMITTED | K_COMPRESSION | K_CONCURRENTLY | K_CONFLICT
                | K_CONNECTION | K_CONSTRAINTS | K_CONTINUE | K_COPY | K_CROSS | K_CSV | K_CURRENT | K_CURSOR
                | K_CYCLE | K_DATA | K_DATABASE | K_DAY | K_DEALLOCATE | K_DECLARE | K_DEFERRED | K_DELETE
                | K_DELIMITER | K_DELIMITERS | K_DEPENDS | K_DETACH | K_DISABLE | K_DISCARD | K_DOMAIN | K_DROP
                | K_ENABLE | K_ENCODING | K_ENCRYPTED | K_ENUM | K_ENVELOPE | K_EXCLUDE | K_EXCLUDING | K_EXCLUSIVE
                | K_EXECUTE | K_EXPLAIN | K_EXPRESSION | K_FIRST | K_FOLLOWING | K_FORCE | K_FORWARD | K_FREEZE
                | K_FULL | K_GENERATED | K_GLOBAL | K_GROUPS | K_HEADER | K_HOLD | K_HOUR | K_IDENTITY | K_IF
                | K_ILIKE | K_IMMEDIATE | K_INCLUDE | K_INCLUDING | K_INCREMENT | K_INDEX | K_INHERIT | K_INHERITS
                | K_INNER | K_INOUT | K_INSENSITIVE | K_INSERT | K_IS | K_ISNULL | K_ISOLATION | K_JOIN | K_KEY
                | K_LAST | K_LEFT | K_LEVEL | K_LIKE | K_LISTEN | K_LOCAL | K_LOCK | K_LOCKED | K_MATCH | K_MATCHED
                | K_MATERIALIZED | K_MAXVALUE | K_MERGE | K_MINUTE | K_MINVALUE | K_MODE | K_MONTH | K_MOVE | K_NAME
                | K_NAMES | K_NATURAL | K_NEXT | K_NO | K_NONE | K_NORMALIZED | K_NOTHING | K_NOTIFY | K_NOTNULL
                | K_NOWAIT | K_NULLS | K_OF | K_OIDS | K_OPTION | K_ORDINALITY | K_OTHERS | K_OUT | K_OUTER
                | K_OVERLAPS | K_OVERRIDING | K_OWNED | K_OWNER | K_PARTIAL | K_PARTITION | K_PASSWORD | K_PLANS
                | K_PRECEDING | K_PRECISION | K_PREPARE | K_PRESERVE | K_PRIOR | K_PROGRAM | K_QUOTE | K_RANGE
                | K_READ | K_RECURSIVE | K_REFRESH | K_REINDEX | K_RELATIVE | K_RELEASE | K_RENAME | K_REPEATABLE
                | K_REPLACE | K_REPLICA | K_RESET | K_RESTART | K_RESTRICT | K_RIGHT | K_ROLE | K_ROLLBACK | K_ROWS
                | K_SAVEPOINT | K_SCHEMA | K_SCROLL | K_SECOND | K_SEQUENCE | K_SEQUENCES | K_SERIALIZABLE | K_SESSION
                | K_SET | K_SETS | K_SHARE | K_SHOW | K_SIMILAR | K_SIMPLE | K_SINK | K_SKIP | K_SNAPSHOT | K_SOURCE
                | K_START | K_STATISTICS | K_STDIN | K_STDOUT | K_STORAGE | K_STORED | K_SUBSCRIBE | K_SYSTEM
                | K_SYSTEM_TIME | K_TABLESAMPLE | K_TEMP | K_TEMPORARY | K_TIES | K_TRANSACTION | K_TRUNCATE | K_TYPE
                | K_UNBOUNDED | K_UNCOMMITTED | K_UNKNOWN | K_UNLISTEN | K_UNLOGGED | K_UNTIL | K_UP | K_UPDATE
                | K_VACUUM | K_VALID | K_VALIDATE | K_VALUE | K_VALUES | K_VARYING | K_VERBOSE | K_VERSION | K_VIEW
                | K_WITHOUT | K_WORK | K_WRITE | K_YEAR | K_ZONE ;
nonReservedWord : IDENT | K_ABORT | K_ABSOLUTE | K_ACCESS | K_ACTION | K_ADD | K_ADMIN | K_AFTER | K_ALTER | K_ALWAYS
                | K_ASENSITIVE | K_AT | K_ATTACH | K_AUTHORIZATION | K_BACKWARD | K_BEFORE | K_BEGIN | K_BETWEEN
                | K_BIGINT | K_BINARY | K_BIT | K_BOOLEAN | K_BY | K_CACHE | K_CALL | K_CASCADE | K_CASCADED | K_CHAIN
                | K_CHAR | K_CHARACTER | K_CHARACTERISTICS | K_CHECKPOINT | K_CLOSE | K_CLUSTER | K_COALESCE
                | K_COLLATION | K_COMMENT | K_COMMIT | K_COMMITTED | K_COMPRESSION | K_CONCURRENTLY | K_CONFLICT
                | K_CONNECTION | K_CONSTRAINTS | K_CONTINUE | K_COPY | K_CROSS | K_CSV | K_CURRENT | K_CURRENT_SCHEMA
                | K_CURSOR | K_CYCLE | K_DATA | K_DATABASE | K_DAY | K_DEALLOCATE | K_DEC | K_DECIMAL | K_DECLARE
                | K_DEFERRED | K_DELETE | K_DELIMITER | K_DELIMITERS | K_DEPENDS | K_DETACH | K_DISABLE | K_DISCARD
                | K_DOMAIN | K_DOUBLE | K_DROP | K_ENABLE | K_ENCODING | K_ENCRYPTED | K_ENUM | K_ENVELOPE | K_EXCLUDE
                | K_EXCLUDING | K_EXCLUSIVE | K_EXECUTE | K_EXISTS | K_EXPLAIN | K_EXPRESSION | K_EXTRACT | K_FIRST
                | K_FLOAT | K_FOLLOWING | K_FORCE | K_FORWARD | K_FREEZE | K_FULL | K_GENERATED | K_GLOBAL
                | K_GREATEST | K_GROUPING | K_GROUPS | K_HEADER | K_HOLD | K_HOUR | K_IDENTITY | K_IF | K_ILIKE
                | K_IMMEDIATE | K_INCLUDE | K_INCLUDING | K_INCREMENT | K_INDEX | K_INHERIT | K_INHERITS | K_INNER
                | K_INOUT | K_INSENSITIVE | K_INSERT | K_INT | K_INTEGER | K_INTERVAL | K_IS | K_ISNULL | K_ISOLATION
                | K_JOIN | K_KEY | K_LAST | K_LEAST | K_LEFT | K_LEVEL | K_LIKE | K_LISTEN | K_LOCAL | K_LOCK
                | K_LOCKED | K_MATCH | K_MATCHED | K_MATERIALIZED | K_MAXVALUE | K_MERGE | K_MINUTE | K_MINVALUE
                | K_MODE | K_MONTH | K_MOVE | K_NAME | K_NAMES | K_NATIONAL | K_NATURAL | K_NCHAR | K_NEXT | K_NO
                | K_NONE | K_NORMALIZE | K_NORMALIZED | K_NOTHING | K_NOTIFY | K_NOTNULL | K_NOWAIT | K_NULLIF
                | K_NULLS | K_NUMERIC | K_OF | K_OIDS | K_OPTION | K_ORDINALITY | K_OTHERS | K_OUT | K_OUTER
                | K_OVERLAPS | K_OVERLAY | K_OVERRIDING | K_OWNED | K_OWNER | K_PARTIAL | K_PARTITION | K_PASSWORD
                | K_PLANS | K_POSITION | K_PRECEDING | K_PRECISION | K_PREPARE | K_PRESERVE | K_PRIOR | K_PROGRAM
                | K_QUOTE | K_RANGE | K_READ | K_REAL | K_RECURSIVE | K_REFRESH | K_REINDEX | K_RELATIVE | K_RELEASE
                | K_RENAME | K_REPEATABLE | K_REPLACE | K_REPLICA | K_RESET | K_RESTART | K_RESTRICT | K_RIGHT
                | K_ROLE | K_ROLLBACK | K_ROW | K_ROWS | K_SAVEPOINT | K_SCHEMA | K_SCROLL | K_SECOND | K_SEQUENCE
                | K_SEQUENCES | K_SERIALIZABLE | K_SESSION | K_SET | K_SETOF | K_SETS | K_SHARE | K_SHOW | K_SIMILAR
                | K_SIMPLE | K_SINK | K_SKIP | K_SMALLINT | K_SNAPSHOT | K_SOURCE | K_START | K_STATISTICS | K_STDIN
                | K_STDOUT | K_STORAGE | K_STORED | K_SUBSCRIBE | K_SUBSTRING | K_SYSTEM | K_SYSTEM_TIME
                | K_TABLESAMPLE | K_TEMP | K_TEMPORARY | K_TIES | K_TIME | K_TIMESTAMP | K_TRANSACTION | K_TREAT
                | K_TRIM | K_TRUNCATE | K_TYPE | K_UNBOUNDED | K_UNCOMMITTED | K_UNKNOWN | K_UNLISTEN | K_UNLOGGED
                | K_UNTIL | K_UP | K_UPDATE | K_VACUUM | K_VALID | K_VALIDATE | K_VALUE | K_VALUES | K_VARCHAR
                | K_VARYING | K_VERBOSE | K_VERSION | K_VIEW | K_WITHOUT | K_WORK | K_WRITE | K_YEAR | K_ZONE ;
bareLabel       : IDENT | K_ABORT | K_ABSOLUTE | K_ACCESS | K_ACTION | K_ADD | K_ADMIN | K_AFTER | K_ALL | K_ALTER
                | K_ALWAYS | K_ANALYSE | K_ANALYZE | K_ANY | K_ASC | K_ASENSITIVE | K_ASYMMETRIC | K_AT | K_ATTACH
                | K_AUTHORIZATION | K_BACKWARD | K_BEFORE | K_BEGIN | K_BIGINT | K_BINARY | K_BIT | K_BOOLEAN | K_BOTH
                | K_BY | K_CACHE | K_CALL | K_CASCADE | K_CASCADED | K_CASE | K_CAST | K_CHAIN | K_CHARACTERISTICS
                | K_CHECK | K_CHECKPOINT | K_CLOSE | K_CLUSTER | K_COALESCE | K_COLLATION | K_COLUMN | K_COMMENT
                | K_COMMIT | K_COMMITTED | K_COMPRESSION | K_CONCURRENTLY | K_CONFLICT | K_CONNECTION | K_CONSTRAINT
                | K_CONSTRAINTS | K_CONTINUE | K_COPY | K_CROSS | K_CSV | K_CURRENT | K_CURRENT_CATALOG
                | K_CURRENT_DATE | K_CURRENT_ROLE | K_CURRENT_SCHEMA | K_CURRENT_TIME | K_CURRENT_TIMESTAMP
                | K_CURRENT_USER | K_CURSOR | K_CYCLE | K_DATA | K_DATABASE | K_DEALLOCATE | K_DEC | K_DECIMAL
                | K_DECLARE | K_DEFAULT | K_DEFERRABLE | K_DEFERRED | K_DELETE | K_DELIMITER | K_DELIMITERS
                | K_DEPENDS | K_DESC | K_DETACH | K_DISABLE | K_DISCARD | K_DISTINCT | K_DO | K_DOMAIN | K_DOUBLE
                | K_DROP | K_ELSE | K_ENABLE | K_ENCODING | K_ENCRYPTED | K_END | K_ENUM | K_ENVELOPE | K_EXCLUDE
                | K_EXCLUDING | K_EXCLUSIVE | K_EXECUTE | K_EXISTS | K_EXPLAIN | K_EXPRESSION | K_EXTRACT | K_FALSE
                | K_FIRST | K_FLOAT | K_FOLLOWING | K_FORCE | K_FOREIGN | K_FORWARD | K_FREEZE | K_FULL | K_GENERATED
                | K_GLOBAL | K_GREATEST | K_GROUPING | K_GROUPS | K_HEADER | K_HOLD | K_IDENTITY | K_IF | K_IMMEDIATE
                | K_INCLUDE | K_INCLUDING | K_INCREMENT | K_INDEX | K_INHERIT | K_INHERITS | K_INITIALLY | K_INNER
                | K_INOUT | K_INSENSITIVE | K_INSERT | K_INT | K_INTEGER | K_INTERVAL | K_ISOLATION | K_JOIN | K_KEY
                | K_LAST | K_LATERAL | K_LEADING | K_LEAST | K_LEFT | K_LEVEL | K_LISTEN | K_LOCAL | K_LOCALTIME
                | K_LOCALTIMESTAMP | K_LOCK | K_LOCKED | K_MATCH | K_MATCHED | K_MATERIALIZED | K_MAXVALUE | K_MERGE
                | K_MINVALUE | K_MODE | K_MOVE | K_NAME | K_NAMES | K_NATIONAL | K_NATURAL | K_NCHAR | K_NEXT | K_NO
                | K_NONE | K_NORMALIZE | K_NORMALIZED | K_NOTHING | K_NOTIFY | K_NOWAIT | K_NULL | K_NULLIF | K_NULLS
                | K_NUMERIC | K_OF | K_OIDS | K_ONLY | K_OPTION | K_ORDINALITY | K_OTHERS | K_OUT | K_OUTER
                | K_OVERLAY | K_OVERRIDING | K_OWNED | K_OWNER | K_PARTIAL | K_PARTITION | K_PASSWORD | K_PLACING
                | K_PLANS | K_POSITION | K_PRECEDING | K_PREPARE | K_PRESERVE | K_PRIMARY | K_PRIOR | K_PROGRAM
                | K_QUOTE | K_RANGE | K_READ | K_REAL | K_RECURSIVE | K_REFERENCES | K_REFRESH | K_REINDEX
                | K_RELATIVE | K_RELEASE | K_RENAME | K_REPEATABLE | K_REPLACE | K_REPLICA | K_RESET | K_RESTART
                | K_RESTRICT | K_RIGHT | K_ROLE | K_ROLLBACK | K_ROW | K_ROWS | K_SAVEPOINT | K_SCHEMA | K_SCROLL
                | K_SELECT | K_SEQUENCE | K_SEQUENCES | K_SERIALIZABLE | K_SESSION | K_SESSION_USER | K_SET | K_SETOF
                | K_SETS | K_SHARE | K_SHOW | K_SIMPLE | K_SINK | K_SKIP | K_SMALLINT | K_SNAPSHOT | K_SOME | K_SOURCE
                | K_START | K_STATISTICS | K_STDIN | K_STDOUT | K_STORAGE | K_STORED | K_SUBSCRIBE | K_SUBSTRING
                | K_SYMMETRIC | K_SYSTEM | K_SYSTEM_TIME | K_TABLE | K_TABLESAMPLE | K_TEMP | K_TEMPORARY | K_THEN
                | K_TIES | K_TIME | K_TIMESTAMP | K_TRAILING | K_TRANSACTION | K_TREAT | K_TRIM | K_TRUE | K_TRUNCATE
                | K_TYPE | K_UNBOUNDED | K_UNCOMMITTED | K_UNIQUE | K_UNKNOWN | K_UNLISTEN | K_UNLOGGED | K_UNTIL
                | K_UP | K_UPDATE | K_USER | K_USING | K_VACUUM | K_VALID | K_VALIDATE | K_VALUE | K_VALUES
                | K_VARCHAR | K_VARIADIC | K_VERBOSE | K_VERSION | K_VIEW | K_WHEN | K_WORK | K_WRITE | K_ZONE ;
colLabel        : IDENT | K_ABORT | K_ABSOLUTE | K_ACCESS | K_ACTION | K_ADD | K_ADMIN | K_AFTER | K_ALL | K_ALTER
                | K_ALWAYS | K_ANALYSE | K_ANALYZE | K_AND | K_ANY | K_ARRAY | K_AS | K_ASC | K_ASENSITIVE
                | K_ASYMMETRIC | K_AT | K_ATTACH | K_AUTHORIZATION | K_BACKWARD | K_BEFORE | K_BEGIN | K_BETWEEN
                | K_BIGINT | K_BINARY | K_BIT | K_BOOLEAN | K_BOTH | K_BY | K_CACHE | K_CALL | K_CASCADE | K_CASCADED
                | K_CASE | K_CAST | K_CHAIN | K_CHAR | K_CHARACTER | K_CHARACTERISTICS | K_CHECK | K_CHECKPOINT
                | K_CLOSE | K_CLUSTER | K_COALESCE | K_COLLATE | K_COLLATION | K_COLUMN | K_COMMENT | K_COMMIT
                | K_COMMITTED | K_COMPRESSION | K_CONCURRENTLY | K_CONFLICT | K_CONNECTION | K_CONSTRAINT
                | K_CONSTRAINTS | K_CONTINUE | K_COPY | K_CREATE | K_CROSS | K_CSV | K_CURRENT | K_CURRENT_CATALOG
                | K_CURRENT_DATE | K_CURRENT_ROLE | K_CURRENT_SCHEMA | K_CURRENT_TIME | K_CURRENT_TIMESTAMP
                | K_CURRENT_USER | K_CURSOR | K_CYCLE | K_DATA | K_DATABASE | K_DAY | K_DEALLOCATE | K_DEC | K_DECIMAL
                | K_DECLARE | K_DEFAULT | K_DEFERRABLE | K_DEFERRED | K_DELETE | K_DELIMITER | K_DELIMITERS
                | K_DEPENDS | K_DESC | K_DETACH | K_DISABLE | K_DISCARD | K_DISTINCT | K_DO | K_DOMAIN | K_DOUBLE
                | K_DROP | K_ELSE | K_ENABLE | K_ENCODING | K_ENCRYPTED | K_END | K_ENUM | K_ENVELOPE | K_EXCEPT
                | K_EXCLUDE | K_EXCLUDING | K_EXCLUSIVE | K_EXECUTE | K_EXISTS | K_EXPLAIN | K_EXPRESSION | K_EXTRACT
                | K_FALSE | K_FETCH | K_FIRST | K_FLOAT | K_FOLLOWING | K_FOR | K_FORCE | K_FOREIGN | K_FORWARD
                | K_FREEZE | K_FROM | K_FULL | K_GENERATED | K_GLOBAL | K_GRANT | K_GREATEST | K_GROUP | K_GROUPING
                | K_GROUPS | K_HAVING | K_HEADER | K_HOLD | K_HOUR | K_IDENTITY | K_IF | K_ILIKE | K_IMMEDIATE | K_IN
                | K_INCLUDE | K_INCLUDING | K_INCREMENT | K_INDEX | K_INHERIT | K_INHERITS | K_INITIALLY | K_INNER
                | K_INOUT | K_INSENSITIVE | K_INSERT | K_INT | K_INTEGER | K_INTERSECT | K_INTERVAL | K_INTO | K_IS
                | K_ISNULL | K_ISOLATION | K_JOIN | K_KEY | K_LAST | K_LATERAL | K_LEADING | K_LEAST | K_LEFT
                | K_LEVEL | K_LIKE | K_LIMIT | K_LISTEN | K_LOCAL | K_LOCALTIME | K_LOCALTIMESTAMP | K_LOCK | K_LOCKED
                | K_MATCH | K_MATCHED | K_MATERIALIZED | K_MAXVALUE | K_MERGE | K_MINUTE | K_MINVALUE | K_MODE
                | K_MONTH | K_MOVE | K_NAME | K_NAMES | K_NATIONAL | K_NATURAL | K_NCHAR | K_NEXT | K_NO | K_NONE
                | K_NORMALIZE | K_NORMALIZED | K_NOT | K_NOTHING | K_NOTIFY | K_NOTNULL | K_NOWAIT | K_NULL | K_NULLIF
                | K_NULLS | K_NUMERIC | K_OF | K_OFFSET | K_OIDS | K_ON | K_ONLY | K_OPTION | K_OR | K_ORDER
                | K_ORDINALITY | K_OTHERS | K_OUT | K_OUTER | K_OVERLAPS | K_OVERLAY | K_OVERRIDING | K_OWNED
                | K_OWNER | K_PARTIAL | K_PARTITION | K_PASSWORD | K_PLACING | K_PLANS | K_POSITION | K_PRECEDING
                | K_PRECISION | K_PREPARE | K_PRESERVE | K_PRIMARY | K_PRIOR | K_PROGRAM | K_QUOTE | K_RANGE | K_READ
                | K_REAL | K_RECURSIVE | K_REFERENCES | K_REFRESH | K_REINDEX | K_RELATIVE | K_RELEASE | K_RENAME
                | K_REPEATABLE | K_REPLACE | K_REPLICA | K_RESET | K_RESTART | K_RESTRICT | K_RETURNING | K_RIGHT
                | K_ROLE | K_ROLLBACK | K_ROW | K_ROWS | K_SAVEPOINT | K_SCHEMA | K_SCROLL | K_SECOND | K_SELECT
                | K_SEQUENCE | K_SEQUENCES | K_SERIALIZABLE | K_SESSION | K_SESSION_USER | K_SET | K_SETOF | K_SETS
                | K_SHARE | K_SHOW | K_SIMILAR | K_SIMPLE | K_SINK | K_SKIP | K_SMALLINT | K_SNAPSHOT | K_SOME
                | K_SOURCE | K_START | K_STATISTICS | K_STDIN | K_STDOUT | K_STORAGE | K_STORED | K_SUBSCRIBE
                | K_SUBSTRING | K_SYMMETRIC | K_SYSTEM | K_SYSTEM_TIME | K_TABLE | K_TABLESAMPLE | K_TEMP
                | K_TEMPORARY | K_THEN | K_TIES | K_TIME | K_TIMESTAMP | K_TO | K_TRAILING | K_TRANSACTION | K_TREAT
                | K_TRIM | K_TRUE | K_TRUNCATE | K_TYPE | K_UNBOUNDED | K_UNCOMMITTED | K_UNION | K_UNIQUE | K_UNKNOWN
                | K_UNLISTEN | K_UNLOGGED | K_UNTIL | K_UP | K_UPDATE | K_USER | K_USING | K_VACUUM | K_VALID
                | K_VALIDATE | K_VALUE | K_VALUES | K_VARCHAR | K_VARIADIC | K_VARYING | K_VERBOSE | K_VERSION
                | K_VIEW | K_WHEN | K_WHERE | K_WINDOW | K_WITH | K_WITHOUT | K_WORK | K_WRITE | K_YEAR | K_ZONE ;

// ───────────── keywords ─────────────

K_ABORT             : 'abort' ;
K_ABSOLUTE          : 'absolute' ;
K_ACCESS            : 'access' ;
K_ACTION            : 'action' ;
K_ADD               : 'add' ;
K_ADMIN             : 'admin' ;
K_AFTER             : 'after' ;
K_ALL               : 'all' ;
K_ALTER             : 'alter' ;
K_ALWAYS            : 'always' ;
K_ANALYSE           : 'analyse' ;
K_ANALYZE           : 'analyze' ;
K_AND               : 'and' ;
K_ANY               : 'any' ;
K_ARRAY             : 'array' ;
K_AS                : 'as' ;
K_ASC               : 'asc' ;
K_ASENSITIVE        : 'asensitive' ;
K_ASYMMETRIC        : 'asymmetric' ;
K_AT                : 'at' ;
K_ATTACH            : 'attach' ;
K_AUTHORIZATION     : 'authorization' ;
K_BACKWARD          : 'backward' ;
K_BEFORE            : 'before' ;
K_BEGIN             : 'begin' ;
K_BETWEEN           : 'between' ;
K_BIGINT            : 'bigint' ;
K_BINARY            : 'binary' ;
K_BIT               : 'bit' ;
K_BOOLEAN           : 'boolean' ;
K_BOTH              : 'both' ;
K_BY                : 'by' ;
K_CACHE             : 'cache' ;
K_CALL              : 'call' ;
K_CASCADE           : 'cascade' ;
K_CASCADED          : 'cascaded' ;
K_CASE              : 'case' ;
K_CAST              : 'cast' ;
K_CHAIN             : 'chain' ;
K_CHAR              : 'char' ;
K_CHARACTER         : 'character' ;
K_CHARACTERISTICS   : 'characteristics' ;
K_CHECK             : 'check' ;
K_CHECKPOINT        : 'checkpoint' ;
K_CLOSE             : 'close' ;
K_CLUSTER           : 'cluster' ;
K_COALESCE          : 'coalesce' ;
K_COLLATE           : 'collate' ;
K_COLLATION         : 'collation' ;
K_COLUMN            : 'column' ;
K_COMMENT           : 'comment' ;
K_COMMIT            : 'commit' ;
K_COMMITTED         : 'committed' ;
K_COMPRESSION       : 'compression' ;
K_CONCURRENTLY      : 'concurrently' ;
K_CONFLICT          : 'conflict' ;
K_CONNECTION        : 'connection' ;
K_CONSTRAINT        : 'constraint' ;
K_CONSTRAINTS       : 'constraints' ;
K_CONTINUE          : 'continue' ;
K_COPY              : 'copy' ;
K_CREATE            : 'create' ;
K_CROSS             : 'cross' ;
K_CSV               : 'csv' ;
K_CURRENT           : 'current' ;
K_CURRENT_CATALOG   : 'current_catalog' ;
K_CURRENT_DATE      : 'current_date' ;
K_CURRENT_ROLE      : 'current_role' ;
K_CURRENT_SCHEMA    : 'current_schema' ;
K_CURRENT_TIME      : 'current_time' ;
K_CURRENT_TIMESTAMP : 'current_timestamp' ;
K_CURRENT_USER      : 'current_user' ;
K_CURSOR            : 'cursor' ;
K_CYCLE             : 'cycle' ;
K_DATA              : 'data' ;
K_DATABASE          : 'database' ;
K_DAY               : 'day' ;
K_DEALLOCATE        : 'deallocate' ;
K_DEC               : 'dec' ;
K_DECIMAL           : 'decimal' ;
K_DECLARE           : 'declare' ;
K_DEFAULT           : 'default' ;
K_DEFERRABLE        : 'deferrable' ;
K_DEFERRED          : 'deferred' ;
K_DELETE            : 'delete' ;
K_DELIMITER         : 'delimiter' ;
K_DELIMITERS        : 'delimiters' ;
K_DEPENDS           : 'depends' ;
K_DESC              : 'desc' ;
K_DETACH            : 'detach' ;
K_DISABLE           : 'disable' ;
K_DISCARD           : 'discard' ;
K_DISTINCT          : 'distinct' ;
K_DO                : 'do' ;
K_DOMAIN            : 'domain' ;
K_DOUBLE            : 'double' ;
K_DROP              : 'drop' ;
K_ELSE              : 'else' ;
K_ENABLE            : 'enable' ;
K_ENCODING          : 'encoding' ;
K_ENCRYPTED         : 'encrypted' ;
K_END               : 'end' ;
K_ENUM              : 'enum' ;
K_ENVELOPE          : 'envelope' ;
K_ESCAPE            : 'escape' ;
K_EXCEPT            : 'except' ;
K_EXCLUDE           : 'exclude' ;
K_EXCLUDING         : 'excluding' ;
K_EXCLUSIVE         : 'exclusive' ;
K_EXECUTE           : 'execute' ;
K_EXISTS            : 'exists' ;
K_EXPLAIN           : 'explain' ;
K_EXPRESSION        : 'expression' ;
K_EXTRACT           : 'extract' ;
K_FALSE             : 'false' ;
K_FETCH             : 'fetch' ;
K_FILTER            : 'filter' ;
K_FIRST             : 'first' ;
K_FLOAT             : 'float' ;
K_FOLLOWING         : 'following' ;
K_FOR               : 'for' ;
K_FORCE             : 'force' ;
K_FOREIGN           : 'foreign' ;
K_FORWARD           : 'forward' ;
K_FREEZE            : 'freeze' ;
K_FROM              : 'from' ;
K_FULL              : 'full' ;
K_GENERATED         : 'generated' ;
K_GLOBAL            : 'global' ;
K_GRANT             : 'grant' ;
K_GREATEST          : 'greatest' ;
K_GROUP             : 'group' ;
K_GROUPING          : 'grouping' ;
K_GROUPS            : 'groups' ;
K_HAVING            : 'having' ;
K_HEADER            : 'header' ;
K_HOLD              : 'hold' ;
K_HOUR              : 'hour' ;
K_IDENTITY          : 'identity' ;
K_IF                : 'if' ;
K_ILIKE             : 'ilike' ;
K_IMMEDIATE         : 'immediate' ;
K_IN                : 'in' ;
K_INCLUDE           : 'include' ;
K_INCLUDING         : 'including' ;
K_INCREMENT         : 'increment' ;
K_INDEX             : 'index' ;
K_INHERIT           : 'inherit' ;
K_INHERITS          : 'inherits' ;
K_INITIALLY         : 'initially' ;
K_INNER             : 'inner' ;
K_INOUT             : 'inout' ;
K_INSENSITIVE       : 'insensitive' ;
K_INSERT            : 'insert' ;
K_INT               : 'int' ;
K_INTEGER           : 'integer' ;
K_INTERSECT         : 'intersect' ;
K_INTERVAL          : 'interval' ;
K_INTO              : 'into' ;
K_IS                : 'is' ;
K_ISNULL            : 'isnull' ;
K_ISOLATION         : 'isolation' ;
K_JOIN              : 'join' ;
K_KEY               : 'key' ;
K_LAST              : 'last' ;
K_LATERAL           : 'lateral' ;
K_LEADING           : 'leading' ;
K_LEAST             : 'least' ;
K_LEFT              : 'left' ;
K_LEVEL             : 'level' ;
K_LIKE              : 'like' ;
K_LIMIT             : 'limit' ;
K_LISTEN            : 'listen' ;
K_LOCAL             : 'local' ;
K_LOCALTIME         : 'localtime' ;
K_LOCALTIMESTAMP    : 'localtimestamp' ;
K_LOCK              : 'lock' ;
K_LOCKED            : 'locked' ;
K_MATCH             : 'match' ;
K_MATCHED           : 'matched' ;
K_MATERIALIZED      : 'materialized' ;
K_MAXVALUE          : 'maxvalue' ;
K_MERGE             : 'merge' ;
K_MINUTE            : 'minute' ;
K_MINVALUE          : 'minvalue' ;
K_MODE              : 'mode' ;
K_MONTH             : 'month' ;
K_MOVE              : 'move' ;
K_NAME              : 'name' ;
K_NAMES             : 'names' ;
K_NATIONAL          : 'national' ;
K_NATURAL           : 'natural' ;
K_NCHAR             : 'nchar' ;
K_NEXT              : 'next' ;
K_NO                : 'no' ;
K_NONE              : 'none' ;
K_NORMALIZE         : 'normalize' ;
K_NORMALIZED        : 'normalized' ;
K_NOT               : 'not' ;
K_NOTHING           : 'nothing' ;
K_NOTIFY            : 'notify' ;
K_NOTNULL           : 'notnull' ;
K_NOWAIT            : 'nowait' ;
K_NULL              : 'null' ;
K_NULLIF            : 'nullif' ;
K_NULLS             : 'nulls' ;
K_NUMERIC           : 'numeric' ;
K_OF                : 'of' ;
K_OFFSET            : 'offset' ;
K_OIDS              : 'oids' ;
K_ON                : 'on' ;
K_ONLY              : 'only' ;
K_OPERATOR          : 'operator' ;
K_OPTION            : 'option' ;
K_OR                : 'or' ;
K_ORDER             : 'order' ;
K_ORDINALITY        : 'ordinality' ;
K_OTHERS            : 'others' ;
K_OUT               : 'out' ;
K_OUTER             : 'outer' ;
K_OVER              : 'over' ;
K_OVERLAPS          : 'overlaps' ;
K_OVERLAY           : 'overlay' ;
K_OVERRIDING        : 'overriding' ;
K_OWNED             : 'owned' ;
K_OWNER             : 'owner' ;
K_PARTIAL           : 'partial' ;
K_PARTITION         : 'partition' ;
K_PASSWORD          : 'password' ;
K_PLACING           : 'placing' ;
K_PLANS             : 'plans' ;
K_POSITION          : 'position' ;
K_PRECEDING         : 'preceding' ;
K_PRECISION         : 'precision' ;
K_PREPARE           : 'prepare' ;
K_PRESERVE          : 'preserve' ;
K_PRIMARY           : 'primary' ;
K_PRIOR             : 'prior' ;
K_PROGRAM           : 'program' ;
K_QUOTE             : 'quote' ;
K_RANGE             : 'range' ;
K_READ              : 'read' ;
K_REAL              : 'real' ;
K_RECURSIVE         : 'recursive' ;
K_REFERENCES        : 'references' ;
K_REFRESH           : 'refresh' ;
K_REINDEX           : 'reindex' ;
K_RELATIVE          : 'relative' ;
K_RELEASE           : 'release' ;
K_RENAME            : 'rename' ;
K_REPEATABLE        : 'repeatable' ;
K_REPLACE           : 'replace' ;
K_REPLICA           : 'replica' ;
K_RESET             : 'reset' ;
K_RESTART           : 'restart' ;
K_RESTRICT          : 'restrict' ;
K_RETURNING         : 'returning' ;
K_RIGHT             : 'right' ;
K_ROLE              : 'role' ;
K_ROLLBACK          : 'rollback' ;
K_ROW               : 'row' ;
K_ROWS              : 'rows' ;
K_SAVEPOINT         : 'savepoint' ;
K_SCHEMA            : 'schema' ;
K_SCROLL            : 'scroll' ;
K_SECOND            : 'second' ;
K_SELECT            : 'select' ;
K_SEQUENCE          : 'sequence' ;
K_SEQUENCES         : 'sequences' ;
K_SERIALIZABLE      : 'serializable' ;
K_SESSION           : 'session' ;
K_SESSION_USER      : 'session_user' ;
K_SET               : 'set' ;
K_SETOF             : 'setof' ;
K_SETS              : 'sets' ;
K_SHARE             : 'share' ;
K_SHOW              : 'show' ;
K_SIMILAR           : 'similar' ;
K_SIMPLE            : 'simple' ;
K_SINK              : 'sink' ;
K_SKIP              : 'skip' ;
K_SMALLINT          : 'smallint' ;
K_SNAPSHOT          : 'snapshot' ;
K_SOME              : 'some' ;
K_SOURCE            : 'source' ;
K_START             : 'start' ;
K_STATISTICS        : 'statistics' ;
K_STDIN             : 'stdin' ;
K_STDOUT            : 'stdout' ;
K_STORAGE           : 'storage' ;
K_STORED            : 'stored' ;
K_SUBSCRIBE         : 'subscribe' ;
K_SUBSTRING         : 'substring' ;
K_SYMMETRIC         : 'symmetric' ;
K_SYSTEM            : 'system' ;
K_SYSTEM_TIME       : 'system_time' ;
K_TABLE             : 'table' ;
K_TABLESAMPLE       : 'tablesample' ;
K_TEMP              : 'temp' ;
K_TEMPORARY         : 'temporary' ;
K_THEN              : 'then' ;
K_TIES              : 'ties' ;
K_TIME              : 'time' ;
K_TIMESTAMP         : 'timestamp' ;
K_TO                : 'to' ;
K_TRAILING          : 'trailing' ;
K_TRANSACTION       : 'transaction' ;
K_TREAT             : 'treat' ;
K_TRIM              : 'trim' ;
K_TRUE              : 'true' ;
K_TRUNCATE          : 'truncate' ;
K_TYPE              : 'type' ;
K_UNBOUNDED         : 'unbounded' ;
K_UNCOMMITTED       : 'uncommitted' ;
K_UNION             : 'union' ;
K_UNIQUE            : 'unique' ;
K_UNKNOWN           : 'unknown' ;
K_UNLISTEN          : 'unlisten' ;
K_UNLOGGED          : 'unlogged' ;
K_UNTIL             : 'until' ;
K_UP                : 'up' ;
K_UPDATE            : 'update' ;
K_USER              : 'user' ;
K_USING             : 'using' ;
K_VACUUM            : 'vacuum' ;
K_VALID             : 'valid' ;
K_VALIDATE          : 'validate' ;
K_VALUE             : 'value' ;
K_VALUES            : 'values' ;
K_VARCHAR           : 'varchar' ;
K_VARIADIC          : 'variadic' ;
K_VARYING           : 'varying' ;
K_VERBOSE           : 'verbose' ;
K_VERSION           : 'version' ;
K_VIEW              : 'view' ;
K_WHEN              : 'when' ;
K_WHERE             : 'where' ;
K_WINDOW            : 'window' ;
K_WITH              : 'with' ;
K_WITHIN            : 'within' ;
K_WITHOUT           : 'without' ;
K_WORK              : 'work' ;
K_WRITE             : 'write' ;
K_YEAR              : 'year' ;
K_ZONE              : 'zone' ;

// ───────────── signs and the rest ─────────────

LPAREN : '(' ;
RPAREN : ')' ;
LBRACK : '[' ;
RBRACK : ']' ;
COMMA  : ',' ;
SEMI   : ';' ;
DOT    : '.' ;
COLON  : ':' ;
TYPECAST : '::' ;
COLON_EQUALS : ':=' ;
ARROW  : '=>' ;
PLUS   : '+' ;
MINUS  : '-' ;
STAR   : '*' ;
SLASH  : '/' ;
PERCENT : '%' ;
CARET  : '^' ;
LT     : '<' ;
GT     : '>' ;
EQ     : '=' ;
LE     : '<=' ;
GE     : '>=' ;
NE     : '<>' ;
OP     : [~!@#&|`?]+ ;
IDENT  : [a-z_]+ ;
ICONST : [0-9]+ ;
FCONST : [0-9]+ '.' [0-9]* ;
STRING : '\'' ~'\''* '\'' ;
BIT_STRING : 'b\'' [01]* '\'' ;
HEX_STRING : 'x\'' [0-9a-f]* '\'' ;
PARAM  : '$' [0-9]+ ;
