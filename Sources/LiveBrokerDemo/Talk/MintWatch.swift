// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import Synchronization

/// Stands before a minter and sees at the beginning whether it will ever mint: a pool asks again and
/// again, and a person at a terminal wants to know.
struct MintWatch<Minter: TokenMinter>: TokenMinter {
  /// Attempts without an answer after which nobody waits any longer, if none has ever had one.
  private static var patience: Int { 2 }

  let minter: Minter
  /// Told at most once.
  let giveUp: @Sendable (MintError) -> Void
  private let state = MintWatchState()

  init(_ minter: Minter, giveUp: @escaping @Sendable (MintError) -> Void) {
    self.minter = minter
    self.giveUp = giveUp
  }

  func mint(_ request: TokenRequest) async throws(MintError) -> MintedToken {
    do throws(MintError) {
      let token = try await minter.mint(request)
      state.note { $0.isSettled = true }
      return token
    } catch {
      if isHopeless(error) { giveUp(error) }
      throw error
    }
  }

  private func isHopeless(_ error: MintError) -> Bool {
    state.note { state in
      guard !state.isSettled else { return false }
      switch error.code {
      case .keyRefused, .invalidRequest, .unsupported: state.isSettled = true
      case .unreachable:
        state.unanswered += 1
        state.isSettled = state.unanswered >= Self.patience
      default: break
      }
      return state.isSettled
    }
  }
}

private final class MintWatchState: Sendable {
  struct Seen {
    /// Whether it is known that tokens can be had, or that they cannot.
    var isSettled = false
    var unanswered = 0
  }

  private let seen = Mutex(Seen())

  func note<Result: Sendable>(_ change: (inout Seen) -> Result) -> Result {
    seen.withLock { change(&$0) }
  }
}
#endif
