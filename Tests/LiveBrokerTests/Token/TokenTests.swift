// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct TokenTests {
  let executor = StepExecutor()

  func token(uses: TokenUses) -> Token {
    let machine = TokenMachine(
      sentAt: second(10), window: .seconds(60), life: .seconds(1_800), uses: uses, at: second(11))
    return Token(
      VendedToken(secret: Secret("auth_tokens/secret"), machine: machine), at: Residence(executor))
  }

  /// Runs `body` where the actor lives, as its session would.
  func onShard(_ body: @escaping @Sendable () -> Void) {
    executor.execute(body)
    executor.drain()
  }

  @Test func aTokenWithOneUseBeginsOneSessionAndThenResumes() {
    let token = token(uses: .limited(1))
    onShard {
      token.assumeIsolated { token in
        let margins = TokenMargins()
        #expect(token.start(at: second(20), margin: margins)?.reveal() == "auth_tokens/secret")
        #expect(token.start(at: second(21), margin: margins) == nil)
        #expect(token.resume(at: second(22), margin: margins) != nil)
        #expect(token.resume(at: second(1_806), margin: margins) == nil)
      }
    }
  }

  @Test func aResumeTakesAUseIfThereIsOne() {
    let token = token(uses: .limited(1))
    onShard {
      token.assumeIsolated { token in
        #expect(token.resume(at: second(20), margin: TokenMargins()) != nil)
        #expect(token.start(at: second(21), margin: TokenMargins()) == nil)
      }
    }
  }

  @Test func aTokenReportedSpentIsUsedForNothing() {
    let token = token(uses: .unlimited)
    onShard {
      token.assumeIsolated { token in
        #expect(token.handle(.spentReported, at: second(20)) == .retire)
        #expect(token.start(at: second(21), margin: TokenMargins()) == nil)
        #expect(token.resume(at: second(21), margin: TokenMargins()) == nil)
        #expect(token.snapshot.state == .failed(.spent))
      }
    }
  }
}
