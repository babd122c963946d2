#include "vm/internal/scalar_call.h"

#include "vm/internal/pattern_store.h"

namespace entail::vm {

ScalarContext::ScalarContext(ValuePool& pool)
    : pool_(pool), patterns_(std::make_unique<PatternStore>()) {}
ScalarContext::~ScalarContext() = default;

ScalarCall::ScalarCall(ScalarContext& context, Type result, const std::vector<Type>& arguments)
    : context_(context), result_type_(result), scratches_(arguments.size()) {
  arguments_.reserve(arguments.size());
  for (const Type type : arguments) arguments_.push_back({type});
}

}  // namespace entail::vm
