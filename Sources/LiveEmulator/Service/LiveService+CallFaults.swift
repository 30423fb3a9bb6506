// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// How a connection ends while a function call is pending.
struct CallEnding: Sendable, Hashable {
  /// The close; nil cuts the TCP connection.
  var notice: CloseNotice?
  var moment: CallMoment
}

/// Connections that end while a function call is pending.
extension LiveService {
  /// A call has been sent. Ends its connection now, or when a response comes, if that is to be.
  mutating func troubleCall(_ session: Int, _ slot: Int) {
    guard let ending = sessions[session].endOfNextCall.take() ?? drawCallEnding() else { return }
    switch ending.moment {
    case .behindCall: end(slot, ending)
    case .beforeResponse: sessions[session].talk.ending = ending
    }
  }

  /// One draw decides between both kinds, so that their shares add up.
  private mutating func drawCallEnding() -> CallEnding? {
    let plan = configuration.faults
    guard plan.callDrops > 0 || plan.callCloses > 0 else { return nil }
    let point = chance.unit()
    guard point < plan.callDrops + plan.callCloses else { return nil }
    let notice = point < plan.callDrops ? nil : plan.notice(&chance)
    return CallEnding(notice: notice, moment: chance.pick(CallMoment.allCases) ?? .behindCall)
  }

  mutating func end(_ slot: Int, _ ending: CallEnding) {
    // What the client is to have seen must not be lost with the connection.
    letGo(slot)
    inject(
      ending.notice.map { .close($0) } ?? .drop, into: connections.slots[slot].id,
      at: EngineInstant(nanoseconds: now))
  }
}
