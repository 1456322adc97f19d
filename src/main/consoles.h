// Takes what is asked of consoles from the HTTP threads to the one thread on which providers live.
#pragma once

#include <map>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "domain/consoles.h"

namespace slipway {

// Filled before use from several threads, unchanged afterwards. What it was given outlives every call.
class ConsolesOnOps final : public Consoles {
  public:
    explicit ConsolesOnOps(boost::asio::any_io_executor ops) : ops_(std::move(ops)) {}
    void add(std::string provider, Consoles& consoles) { providers_.emplace(std::move(provider), &consoles); }

    Task<Result<ConsoleOutput>> read(Resource resource, ConsoleFrom from, Duration budget) override;
    Task<Status> type(Resource resource, Secret input, Duration budget) override;

  private:
    [[nodiscard]] Result<Consoles*> find(const std::string& provider) const;

    boost::asio::any_io_executor ops_;
    std::map<std::string, Consoles*> providers_;
};

}  // namespace slipway
