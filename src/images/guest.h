// The files in guest/, which are the same in every tiny machine.
#pragma once

#include <string_view>

namespace slipway::images {

extern const std::string_view kGuestInitrdInit;
extern const std::string_view kGuestInittab;
extern const std::string_view kGuestBoot;
extern const std::string_view kGuestConsole;
extern const std::string_view kGuestStop;
extern const std::string_view kGuestPowerButton;

}  // namespace slipway::images
