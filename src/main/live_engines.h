// Takes what is asked of running engines from the HTTP threads to the one thread on which providers live.
#pragma once

#include <map>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "domain/live_engines.h"

namespace slipway {

// Filled before use from several threads, unchanged afterwards. What it was given outlives every call.
class LiveEnginesOnOps final : public LiveEngines {
  public:
    explicit LiveEnginesOnOps(boost::asio::any_io_executor ops) : ops_(std::move(ops)) {}
    void add(std::string provider, LiveEngines& engines) { providers_.emplace(std::move(provider), &engines); }

    Task<Result<std::vector<Statistic>>> statistics(Resource resource, Duration budget) override;
    Task<Status> flush(Resource resource, Duration budget) override;

  private:
    [[nodiscard]] Result<LiveEngines*> find(const std::string& provider) const;

    boost::asio::any_io_executor ops_;
    std::map<std::string, LiveEngines*> providers_;
};

}  // namespace slipway
