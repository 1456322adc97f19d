#include "main/consoles.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace slipway {

namespace asio = boost::asio;

Result<Consoles*> ConsolesOnOps::find(const std::string& provider) const {
    const auto found = providers_.find(provider);
    if (found != providers_.end()) return found->second;
    return fail(ErrorCode::unavailable, fmt::format("machines of the {} provider have no console here", provider));
}

Task<Result<ConsoleOutput>> ConsolesOnOps::read(Resource resource, ConsoleFrom from, Duration budget) {
    const auto consoles = find(resource.provider);
    if (!consoles) co_return fail(consoles.error());
    co_return co_await asio::co_spawn(
        ops_,
        [consoles = *consoles, resource = std::move(resource), from = std::move(from), budget] {
            return consoles->read(resource, from, budget);
        },
        asio::use_awaitable);
}

Task<Status> ConsolesOnOps::type(Resource resource, Secret input, Duration budget) {
    const auto consoles = find(resource.provider);
    if (!consoles) co_return fail(consoles.error());
    co_return co_await asio::co_spawn(
        ops_,
        [consoles = *consoles, resource = std::move(resource), input = std::move(input), budget] {
            return consoles->type(resource, input, budget);
        },
        asio::use_awaitable);
}

}  // namespace slipway
