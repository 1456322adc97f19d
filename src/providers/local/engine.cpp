#include "providers/local/engine.h"

namespace slipway::local {

Task<Result<std::vector<Statistic>>> Engine::statistics(Contact /*contact*/, Deadline /*deadline*/) const {
    co_return fail(ErrorCode::unavailable, fmt::format("{} has no statistics to show here", facts().name));
}

Task<Status> Engine::flush(Contact /*contact*/, Deadline /*deadline*/) const {
    co_return fail(ErrorCode::unavailable, fmt::format("{} cannot be emptied here", facts().name));
}

}  // namespace slipway::local
