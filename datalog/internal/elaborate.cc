#include "datalog/internal/elaborate.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "datalog/internal/tree_rename.h"

namespace entail::datalog {
namespace {

using grammar::Component;
using grammar::ComponentType;
using grammar::Diagnostics;
using grammar::Item;
using grammar::Name;

// Formal type parameters of a component and what they stand for.
using Binding = std::map<std::string, std::string>;

std::string bound(const Binding& binding, const std::string& name) {
  const auto found = binding.find(name);
  return found == binding.end() ? name : found->second;
}

// A component with the one it is nested in.
struct Scope {
  const Component* component = nullptr;
  const Scope* enclosing = nullptr;
  std::vector<const Scope*> nested;
};

template <typename T>
std::vector<const T*> items_of(const std::vector<Item>& items) {
  std::vector<const T*> found;
  for (const Item& item : items) {
    if (const T* node = item.as<T>()) found.push_back(node);
  }
  return found;
}

std::vector<std::string> relations_declared(const std::vector<Item>& items) {
  std::vector<std::string> names;
  for (const Item& item : items) {
    if (const auto* decl = item.as<grammar::Decl>()) {
      for (const Name& name : decl->names) names.push_back(name.text);
    } else if (const auto* relation = item.as<grammar::RelationDecl>()) {
      names.push_back(relation->name.text);
    }
  }
  return names;
}

std::string first_part(const std::string& name) { return name.substr(0, name.find('.')); }

const std::string* head_of(const Item& item) {
  if (const auto* facts = item.as<grammar::Facts>()) return &facts->relation.text;
  if (const auto* clause = item.as<grammar::Clause>()) {
    return clause->heads.empty() ? nullptr : &clause->heads.front().relation.text;
  }
  if (const auto* subsumption = item.as<grammar::Subsumption>()) {
    return &subsumption->dominated.relation.text;
  }
  return nullptr;
}

class Instantiation {
 public:
  Instantiation(const std::vector<Item>& items, Diagnostics& diagnostics)
      : diagnostics_(diagnostics) {
    for (const Item& item : items) {
      if (const auto* component = item.as<Component>())
        globals_.push_back(add_scope(*component, nullptr, item));
    }
  }

  void check(const std::vector<Item>& items) {
    for (const Scope* scope : globals_) check_component(*scope, {});
    for (const Item& item : items) {
      if (const auto* init = item.as<grammar::Init>())
        check_reference(nullptr, init->component, item.span, {});
    }
    check_namespaces(items);
  }

  // The instance's content, fully named.
  std::vector<Item> instantiate(const grammar::Init& init, grammar::SourceSpan span) {
    std::vector<Item> orphans;
    std::vector<Item> content =
        content_of(init, span, nullptr, {}, {}, orphans, kInstantiationDepthMax);
    // Clauses for relations that no instance defined belong to the program's own.
    for (Item& orphan : orphans) content.push_back(std::move(orphan));
    return content;
  }

 private:
  const Scope* add_scope(const Component& component, const Scope* enclosing, const Item& item) {
    scopes_.push_back(std::make_unique<Scope>(Scope{&component, enclosing, {}}));
    Scope* const scope = scopes_.back().get();
    spans_[&component] = item.span;
    for (const Item& inner : component.items) {
      if (const auto* nested = inner.as<Component>())
        scope->nested.push_back(add_scope(*nested, scope, inner));
    }
    return scope;
  }

  const Scope* find(const Scope* scope, const std::string& name, const Binding& binding) const {
    const std::string wanted = bound(binding, name);
    for (const Scope* search = scope; search != nullptr; search = search->enclosing) {
      for (const Scope* nested : search->nested) {
        if (nested->component->type.name.text == wanted) return nested;
      }
      for (const ComponentType& base_type : search->component->bases) {
        const Scope* const base = find(search->enclosing, base_type.name.text, binding);
        if (base == search) return nullptr;
        if (base == nullptr) continue;
        if (const Scope* const found = find_in_bases(base, wanted, binding, 0)) return found;
      }
    }
    for (const Scope* global : globals_) {
      if (global->component->type.name.text == wanted) return global;
    }
    return nullptr;
  }

  const Scope* find_in_bases(const Scope* scope, const std::string& wanted, const Binding& binding,
                             unsigned depth) const {
    for (const Scope* nested : scope->nested) {
      if (nested->component->type.name.text == wanted) return nested;
    }
    if (depth > kInstantiationDepthMax) return nullptr;
    for (const ComponentType& base_type : scope->component->bases) {
      const Scope* const base = find(scope->enclosing, base_type.name.text, binding);
      if (base == nullptr || base == scope) continue;
      if (const Scope* const found = find_in_bases(base, wanted, binding, depth + 1)) return found;
    }
    return nullptr;
  }

  std::vector<std::string> component_names(const Scope* scope) const {
    std::vector<std::string> names;
    for (; scope != nullptr; scope = scope->enclosing) {
      for (const Scope* nested : scope->nested) names.push_back(nested->component->type.name.text);
    }
    for (const Scope* global : globals_) names.push_back(global->component->type.name.text);
    return names;
  }

  static std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
    const std::string near = grammar::nearest_name(name, known);
    return near.empty() ? std::string() : "Did you mean '" + near + "'?";
  }

  void check_reference(const Scope* enclosing, const ComponentType& type, grammar::SourceSpan span,
                       const Binding& binding) {
    if (binding.contains(type.name.text)) return;  // A type parameter: known only in the instance.
    const Scope* const found = find(enclosing, type.name.text, binding);
    if (found == nullptr) {
      diagnostics_.error(type.name.span, "there is no component '" + type.name.text + "'",
                         suggestion(type.name.text, component_names(enclosing)));
      return;
    }
    const std::size_t wanted = found->component->type.params.size();
    if (wanted != type.params.size()) {
      diagnostics_.error(span, "component '" + type.name.text + "' has " + std::to_string(wanted) +
                                   " type parameters, but " + std::to_string(type.params.size()) +
                                   " are given");
    }
  }

  void check_component(const Scope& scope, const Binding& binding) {
    const Component& component = *scope.component;
    const std::string& name = component.type.name.text;
    Binding active = binding;
    for (const Name& parameter : component.type.params) active[parameter.text] = parameter.text;
    for (const ComponentType& base : component.bases) {
      check_reference(scope.enclosing, base, base.name.span, active);
    }

    std::set<const Scope*> parents;
    collect_parents(scope, scope.enclosing, binding, parents);
    std::set<std::string> inherited;
    for (const Scope* parent : parents) {
      for (const std::string& relation : relations_declared(parent->component->items))
        inherited.insert(relation);
    }
    const std::vector<std::string> own = relations_declared(component.items);
    for (const Item& item : component.items) {
      const auto* override_item = item.as<grammar::Override>();
      if (override_item == nullptr) continue;
      const std::string& relation = override_item->relation.text;
      if (std::find(own.begin(), own.end(), relation) != own.end()) {
        diagnostics_.error(item.span, "component '" + name + "' overrides '" + relation +
                                          "', which it does not inherit but declares itself");
        continue;
      }
      for (const Scope* parent : parents) {
        for (const auto* decl : items_of<grammar::Decl>(parent->component->items)) {
          const bool declares = std::any_of(decl->names.begin(), decl->names.end(),
                                            [&](const Name& n) { return n.text == relation; });
          const bool overridable =
              std::any_of(decl->tags.begin(), decl->tags.end(), [](const grammar::Tag& tag) {
                return tag.tag == grammar::RelationTag::kOverridable;
              });
          if (declares && !overridable) {
            diagnostics_.error(
                item.span,
                "component '" + name + "' overrides '" + relation +
                    "', which is not declared overridable",
                "Write `.decl " + relation + "(…) overridable` where it is declared.");
          }
        }
      }
    }
    if (parents.contains(&scope)) {
      diagnostics_.error(spans_.at(&component), "component '" + name + "' inherits from itself");
    }
    for (const Scope* nested : scope.nested) check_component(*nested, active);
    for (const Item& item : component.items) {
      if (const auto* init = item.as<grammar::Init>())
        check_reference(&scope, init->component, item.span, active);
    }
  }

  void collect_parents(const Scope& scope, const Scope* enclosing, const Binding& binding,
                       std::set<const Scope*>& parents) const {
    for (const ComponentType& base : scope.component->bases) {
      const Scope* const found = find(enclosing, base.name.text, binding);
      if (found != nullptr && parents.insert(found).second)
        collect_parents(*found, enclosing, binding, parents);
    }
  }

  void check_namespaces(const std::vector<Item>& items) {
    std::set<std::string> names;
    for (const Item& item : items) {
      if (const auto* type = item.as<grammar::TypeDecl>()) names.insert(type->name.text);
      if (const auto* decl = item.as<grammar::Decl>()) {
        for (const Name& name : decl->names) names.insert(name.text);
      }
    }
    for (const Item& item : items) {
      if (const auto* component = item.as<Component>()) {
        const Name& name = component->type.name;
        if (!names.insert(name.text).second) {
          diagnostics_.error(name.span,
                             "the name of component '" + name.text + "' is already taken");
        }
      }
    }
    for (const Item& item : items) {
      if (const auto* init = item.as<grammar::Init>()) {
        if (!names.insert(init->name.text).second) {
          diagnostics_.error(init->name.span,
                             "the name of instance '" + init->name.text + "' is already taken");
        }
      }
    }
  }

  void collect(const Scope& scope, const Binding& binding, const Scope* enclosing,
               const std::set<std::string>& overridden, std::vector<Item>& content,
               std::vector<Item>& orphans, unsigned depth) {
    const Component& component = *scope.component;
    std::set<std::string> overridden_above = overridden;
    for (const auto* item : items_of<grammar::Override>(component.items)) {
      overridden_above.insert(item->relation.text);
    }
    if (depth == 0) return;
    for (const ComponentType& base_type : component.bases) {
      const Scope* const base = find(enclosing, base_type.name.text, binding);
      if (base == nullptr) continue;  // Reported by check().
      const Binding active = extend(binding, base->component->type.params, base_type.params);
      for (const Item& item : base->component->items) {
        if (const auto* init = item.as<grammar::Init>()) {
          append(content, content_of(*init, item.span, base, {}, active, orphans, depth - 1));
        }
      }
      collect(*base, active, base->enclosing, overridden_above, content, orphans, depth - 1);
    }

    Renamer parameters;
    parameters.type = [&](Name& name) { name.text = bound(binding, name.text); };
    parameters.branch = parameters.type;
    for (const Item& item : component.items) {
      if (item.as<Component>() != nullptr || item.as<grammar::Init>() != nullptr ||
          item.as<grammar::Override>() != nullptr || head_of(item) != nullptr) {
        continue;
      }
      content.push_back(item);
      parameters.walk(content.back());
    }
    const std::vector<std::string> declared = relations_declared(content);
    const std::set<std::string> known(declared.begin(), declared.end());
    for (const Item& item : component.items) {
      const std::string* const head = head_of(item);
      if (head == nullptr || overridden.contains(first_part(*head))) continue;
      Item copy = item;
      parameters.walk(copy);
      (known.contains(*head) ? content : orphans).push_back(std::move(copy));
    }
    std::vector<Item> homeless;
    for (Item& orphan : orphans) {
      (known.contains(*head_of(orphan)) ? content : homeless).push_back(std::move(orphan));
    }
    orphans = std::move(homeless);
  }

  std::vector<Item> content_of(const grammar::Init& init, grammar::SourceSpan span,
                               const Scope* enclosing, const std::set<std::string>& overridden,
                               const Binding& binding, std::vector<Item>& orphans, unsigned depth) {
    if (depth == 0) {
      diagnostics_.error(span,
                         "instances are nested more than " +
                             std::to_string(kInstantiationDepthMax) + " deep at '" +
                             init.name.text + "'",
                         "A component that instantiates itself never ends.");
      return {};
    }
    const Scope* const scope = find(enclosing, init.component.name.text, binding);
    if (scope == nullptr) {
      diagnostics_.error(init.component.name.span,
                         "there is no component '" + init.component.name.text + "'",
                         suggestion(init.component.name.text, component_names(enclosing)));
      return {};
    }
    const Binding active = extend(binding, scope->component->type.params, init.component.params);
    std::vector<Item> content;
    for (const Item& item : scope->component->items) {
      if (const auto* nested = item.as<grammar::Init>()) {
        append(content,
               content_of(*nested, item.span, scope, overridden, active, orphans, depth - 1));
        if (diagnostics_.full()) return {};
      }
    }
    collect(*scope, active, scope->enclosing, overridden, content, orphans, depth);
    qualify(init.name.text, content, orphans);
    return content;
  }

  static Binding extend(const Binding& binding, const std::vector<Name>& formal,
                        const std::vector<Name>& actual) {
    Binding extended = binding;
    if (formal.size() != actual.size()) return extended;  // Reported by check().
    for (std::size_t i = 0; i < formal.size(); ++i)
      extended[formal[i].text] = bound(binding, actual[i].text);
    return extended;
  }

  static void append(std::vector<Item>& content, std::vector<Item> more) {
    for (Item& item : more) content.push_back(std::move(item));
  }

  static void qualify(const std::string& instance, std::vector<Item>& content,
                      std::vector<Item>& orphans) {
    std::map<std::string, std::string> relations, types, branches, callables;
    for (const std::string& name : relations_declared(content))
      relations[name] = instance + "." + name;
    for (const Item& item : content) {
      if (const auto* type = item.as<grammar::TypeDecl>()) {
        types[type->name.text] = instance + "." + type->name.text;
        if (const auto* variant = std::get_if<grammar::AdtType>(&type->definition)) {
          for (const grammar::AdtBranch& branch : variant->branches) {
            branches[branch.name.text] = instance + "." + branch.name.text;
          }
        }
      } else if (const auto* alias = item.as<grammar::TypeAlias>()) {
        types[alias->name.text] = instance + "." + alias->name.text;
      } else if (const auto* enumeration = item.as<grammar::EnumDecl>()) {
        types[enumeration->name.text] = instance + "." + enumeration->name.text;
      } else if (const auto* table = item.as<grammar::Table>()) {
        callables[table->name.text] = instance + "." + table->name.text;
      } else if (const auto* function = item.as<grammar::Function>()) {
        callables[function->name.text] = instance + "." + function->name.text;
      }
    }
    const auto mapping = [](const std::map<std::string, std::string>& names) {
      return [&names](Name& name) {
        if (const auto found = names.find(name.text); found != names.end())
          name.text = found->second;
      };
    };
    Renamer renamer;
    renamer.relation = mapping(relations);
    renamer.type = mapping(types);
    renamer.branch = mapping(branches);
    renamer.callable = mapping(callables);
    for (Item& item : content) renamer.walk(item);
    for (Item& item : orphans) renamer.walk(item);
  }

  Diagnostics& diagnostics_;
  std::vector<std::unique_ptr<Scope>> scopes_;
  std::vector<const Scope*> globals_;
  std::map<const Component*, grammar::SourceSpan> spans_;
};

class Modules {
 public:
  Modules(const LowerOptions& options, Diagnostics& diagnostics)
      : options_(options), diagnostics_(diagnostics) {}

  // Items of `program`; names of its imports are made full. What `program` defines is prefixed with
  // `prefix` where that is not empty.
  std::vector<Item> flatten(const grammar::Program& program, const std::string& prefix) {
    std::vector<Item> result;
    std::vector<Item> own = program.items;
    for (const Item& item : program.items) {
      const auto* import = item.as<grammar::Import>();
      if (import == nullptr) continue;
      const std::string& module = import->module.text;
      std::optional<grammar::Program> text;
      if (options_.import_module) text = options_.import_module(module);
      if (!text) {
        diagnostics_.error(import->module.span, "there is no module '" + module + "' to import");
        continue;
      }
      std::vector<Item> imported;
      const bool first = loaded_.insert(module).second;
      if (first) imported = flatten(*text, module);
      for (Item& inner : imported) result.push_back(std::move(inner));

      std::map<std::string, std::string> names;
      const std::string alias = import->alias ? import->alias->text : module;
      for (const Name& name : import->names) names[name.text] = module + "." + name.text;
      const auto rename = [&](Name& name) {
        if (const auto found = names.find(name.text); found != names.end()) {
          name.text = found->second;
        } else if (name.text.starts_with(alias + ".")) {
          name.text = module + name.text.substr(alias.size());
        }
      };
      const Renamer renamer{rename, rename, rename, rename};
      for (Item& inner : own) renamer.walk(inner);
    }
    Instantiation components(own, diagnostics_);
    components.check(own);
    std::vector<Item> flat;
    for (Item& item : own) {
      if (const auto* init = item.as<grammar::Init>()) {
        for (Item& inner : components.instantiate(*init, item.span))
          flat.push_back(std::move(inner));
      } else if (item.as<grammar::Override>() != nullptr) {
        diagnostics_.error(item.span, "`.override` stands outside of a component");
      } else if (item.as<Component>() == nullptr && item.as<grammar::Import>() == nullptr &&
                 item.as<grammar::ModuleDecl>() == nullptr) {
        flat.push_back(std::move(item));  // Components stay: the instances above read them.
      }
    }
    if (!prefix.empty()) qualify(prefix, flat);
    for (Item& item : flat) result.push_back(std::move(item));
    return result;
  }

 private:
  static void qualify(const std::string& prefix, std::vector<Item>& items) {
    std::set<std::string> defined;
    for (const std::string& name : relations_declared(items)) defined.insert(name);
    for (const Item& item : items) {
      if (const auto* type = item.as<grammar::TypeDecl>()) defined.insert(type->name.text);
      if (const auto* alias = item.as<grammar::TypeAlias>()) defined.insert(alias->name.text);
      if (const auto* enumeration = item.as<grammar::EnumDecl>())
        defined.insert(enumeration->name.text);
      if (const auto* table = item.as<grammar::Table>()) defined.insert(table->name.text);
      if (const auto* function = item.as<grammar::Function>()) defined.insert(function->name.text);
    }
    const auto rename = [&](Name& name) {
      if (defined.contains(name.text)) name.text = prefix + "." + name.text;
    };
    const Renamer renamer{rename, rename, {}, rename};
    for (Item& item : items) renamer.walk(item);
  }

  const LowerOptions& options_;
  Diagnostics& diagnostics_;
  std::set<std::string> loaded_;
};

}  // namespace

std::vector<Item> elaborate(const grammar::Program& program, const LowerOptions& options,
                            Diagnostics& diagnostics) {
  return Modules(options, diagnostics).flatten(program, "");
}

}  // namespace entail::datalog
