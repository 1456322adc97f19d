#include "main/live_engines.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace slipway {

namespace asio = boost::asio;

Result<LiveEngines*> LiveEnginesOnOps::find(const std::string& provider) const {
    const auto found = providers_.find(provider);
    if (found != providers_.end()) return found->second;
    return fail(ErrorCode::unavailable, fmt::format("the {} provider cannot ask its engines", provider));
}

Task<Result<std::vector<Statistic>>> LiveEnginesOnOps::statistics(Resource resource, Duration budget) {
    const auto engines = find(resource.provider);
    if (!engines) co_return fail(engines.error());
    co_return co_await asio::co_spawn(
        ops_,
        [engines = *engines, resource = std::move(resource), budget] {
            return engines->statistics(resource, budget);
        },
        asio::use_awaitable);
}

Task<Status> LiveEnginesOnOps::flush(Resource resource, Duration budget) {
    const auto engines = find(resource.provider);
    if (!engines) co_return fail(engines.error());
    co_return co_await asio::co_spawn(
        ops_,
        [engines = *engines, resource = std::move(resource), budget] { return engines->flush(resource, budget); },
        asio::use_awaitable);
}

}  // namespace slipway
