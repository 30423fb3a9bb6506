// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct SentLedgerTests {
  private func text(_ bytes: Int) -> Outbox.Item {
    Outbox.Item(
      message: PreparedMessage(frame: Array(repeating: 65, count: bytes), kind: .text),
      acceptedAt: .zero)
  }

  @Test func framesAreKeptUpToTheLimitAndTheirRecordsBeyondIt() {
    var ledger = SentLedger()
    for second in 0..<10 {
      ledger.sent(text(100), at: EngineInstant(nanoseconds: Int64(second)), byteLimit: 350)
    }
    #expect(ledger.keptBytes == 300)
    let uncovered = ledger.takeUncovered()
    #expect(uncovered.count == 10)
    #expect(uncovered.count { !$0.message.frame.isEmpty } == 3)
    #expect(ledger.keptBytes == 0)
  }

  @Test func whatAHandleCoversMakesRoom() {
    var ledger = SentLedger()
    ledger.sent(text(300), at: EngineInstant(nanoseconds: 1), byteLimit: 350)
    ledger.covered(until: EngineInstant(nanoseconds: 1))
    #expect(!ledger.isEmpty)
    ledger.covered(until: EngineInstant(nanoseconds: 2))
    #expect(ledger.isEmpty)
    ledger.sent(text(300), at: EngineInstant(nanoseconds: 3), byteLimit: 350)
    #expect(ledger.keptBytes == 300)
  }
}
