// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LiveBroker

@Suite struct SentLedgerTests {
  private func text(_ bytes: Int) -> Outbox.Item {
    Outbox.Item(
      message: PreparedMessage(frame: Array(repeating: 65, count: bytes), kind: .text),
      acceptedAt: .zero)
  }

  private let limits = SentLedger.Limits(bytes: 350, records: 4_096)

  private func audio(_ range: Range<Int>) -> Outbox.Item {
    Outbox.Item(message: PreparedMessage(frame: [], kind: .audio), acceptedAt: .zero, audio: range)
  }

  @Test func beyondTheirNumberMessagesAreOnlyAddedUpAndAllAreReported() {
    var ledger = SentLedger()
    let few = SentLedger.Limits(bytes: 1_000_000, records: 10)
    var unkept = 0
    for number in 1...1_000 {
      let isText = number.isMultiple(of: 2)
      let item = isText ? text(100) : audio(number * 20..<number * 20 + 40)
      unkept += ledger.sent(item, number: UInt32(number), limits: few)
    }
    // The last of the ten records holds everything from the tenth message on.
    #expect(ledger.count == 10)
    #expect(ledger.keptBytes <= 500)
    #expect(unkept == 496)
    var sum = Losses()
    for entry in ledger.takeUncovered() {
      unkept -= entry.unkept
      switch entry {
      case .item(let item): sum.add(item)
      case .sum(let losses): sum.add(losses)
      }
    }
    #expect(sum.textMessages == 500)
    #expect(sum.audioBytes == 500 * 40)
    #expect(unkept == 0)
  }

  @Test func aSumIsCoveredOnlyWithItsLastMessage() {
    var ledger = SentLedger()
    let few = SentLedger.Limits(bytes: 1_000_000, records: 2)
    for number in 1...9 { _ = ledger.sent(text(1), number: UInt32(number), limits: few) }
    ledger.covered(upTo: 8)
    #expect(ledger.count == 1)
    _ = ledger.sent(text(1), number: 10, limits: few)
    #expect(ledger.count == 2)
    ledger.covered(upTo: 9)
    #expect(ledger.count == 1)
    ledger.covered(upTo: 10)
    #expect(ledger.isEmpty && ledger.keptBytes == 0)
  }

  @Test func framesAreKeptUpToTheLimitAndTheirRecordsBeyondIt() {
    var ledger = SentLedger()
    for second in 1...10 {
      _ = ledger.sent(text(100), number: UInt32(second), limits: limits)
    }
    #expect(ledger.keptBytes == 300)
    let uncovered = ledger.takeUncovered()
    #expect(uncovered.count == 10)
    #expect(uncovered.count { $0.frameBytes > 0 } == 3)
    #expect(ledger.keptBytes == 0)
  }

  @Test func whatAHandleCoversMakesRoom() {
    var ledger = SentLedger()
    _ = ledger.sent(text(300), number: 2, limits: limits)
    ledger.covered(upTo: 1)
    #expect(!ledger.isEmpty)
    ledger.covered(upTo: 2)
    #expect(ledger.isEmpty)
    _ = ledger.sent(text(300), number: 3, limits: limits)
    #expect(ledger.keptBytes == 300)
  }
}
