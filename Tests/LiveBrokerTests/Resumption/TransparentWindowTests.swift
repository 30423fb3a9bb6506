// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct TransparentWindowTests {
  /// A window in which the messages 1 to `count` were sent on connection 1, ten bytes each.
  static func window(_ count: Int, limit: Int = 1_000) -> TransparentWindow<Int> {
    var window = TransparentWindow<Int>(limit: limit, generation: 1)
    for message in 1...count {
      #expect(window.sent(message, bytes: 10, at: second(Double(message))) == Int64(message))
    }
    return window
  }

  static func resent(_ window: inout TransparentWindow<Int>) -> [Int] {
    var messages: [Int] = []
    while let message = window.nextToResend() { messages.append(message) }
    return messages
  }

  @Test func whatIsConsumedLeavesAndTheRestIsSentAgainInOrder() {
    var window = Self.window(5)
    #expect(window.consumed(upTo: 2, generation: 1) == 2)
    #expect(window.bytes == 30)
    window.connectionReplaced(generation: 2)
    #expect(Self.resent(&window) == [3, 4, 5])
    #expect(window.lastIndex == 3)
    #expect(window.sent(6, bytes: 10, at: second(6)) == 4)
    // Message 4 has the number 2 on the new connection.
    #expect(window.consumed(upTo: 2, generation: 2) == 2)
    window.connectionReplaced(generation: 3)
    #expect(Self.resent(&window) == [5, 6])
  }

  @Test func lostRepeatedAndLowerIndexesDoNoHarm() {
    var window = Self.window(6)
    #expect(window.consumed(upTo: 4, generation: 1) == 4)
    #expect(window.consumed(upTo: 4, generation: 1) == 0)
    #expect(window.stale == 0)
    #expect(window.consumed(upTo: 1, generation: 1) == 0)
    #expect(window.consumed(upTo: -1, generation: 1) == 0)
    #expect(window.consumed(upTo: .min, generation: 1) == 0)
    #expect(window.stale == 3)
    #expect(window.count == 2)
  }

  @Test(arguments: [Int64(4), 1_000_000, .max])
  func anIndexBeyondWhatWasSentForgetsNothing(_ index: Int64) {
    var window = Self.window(3)
    #expect(window.consumed(upTo: index, generation: 1) == 0)
    #expect(window.beyond == 1)
    #expect(window.count == 3)
  }

  @Test func anIndexOfAnotherConnectionForgetsNothing() {
    var window = Self.window(3)
    window.connectionReplaced(generation: 2)
    #expect(Self.resent(&window) == [1, 2, 3])
    #expect(window.consumed(upTo: 3, generation: 1) == 0)
    #expect(window.count == 3)
  }

  @Test func whatIsNotYetSentAgainCannotBeConsumed() {
    var window = Self.window(3)
    window.connectionReplaced(generation: 2)
    #expect(window.nextToResend() == 1)
    #expect(window.consumed(upTo: 2, generation: 2) == 0)
    #expect(window.beyond == 1)
    #expect(window.consumed(upTo: 1, generation: 2) == 1)
    #expect(Self.resent(&window) == [2, 3])
    #expect(window.lastIndex == 3)
  }

  @Test func aNewMessageDoesNotOvertakeThoseBeingSentAgain() {
    var window = Self.window(2)
    window.connectionReplaced(generation: 2)
    #expect(window.sent(3, bytes: 10, at: second(3)) == nil)
    #expect(Self.resent(&window) == [1, 2, 3])
    #expect(!window.isResending)
    #expect(window.sent(4, bytes: 10, at: second(4)) == 4)
  }

  @Test func aSecondDropInTheMiddleOfSendingAgainLosesNothing() {
    var window = Self.window(4)
    window.connectionReplaced(generation: 2)
    _ = window.nextToResend()
    window.connectionReplaced(generation: 3)
    #expect(Self.resent(&window) == [1, 2, 3, 4])
  }

  @Test func aFullWindowPushesTheOldestOutAndKeepsItsNumbers() {
    var window = Self.window(5, limit: 30)
    #expect(window.count == 3)
    #expect(window.dropped == 2)
    #expect(window.droppedBytes == 20)
    #expect(window.lastIndex == 5)
    #expect(window.consumed(upTo: 4, generation: 1) == 2)
    window.connectionReplaced(generation: 2)
    #expect(Self.resent(&window) == [5])
  }

  @Test func aMessageLargerThanTheWindowStillHasItsNumber() {
    var window = Self.window(1, limit: 30)
    #expect(window.sent(2, bytes: 1_000, at: second(2)) == 2)
    #expect(window.count == 0)
    #expect(window.bytes == 0)
    #expect(window.sent(3, bytes: 10, at: second(3)) == 3)
    #expect(window.consumed(upTo: 3, generation: 1) == 1)
  }

  @Test func whatIsTooOldIsGivenUpAndCounted() {
    var window = Self.window(5)
    window.drop(sentBefore: second(3))
    #expect(window.count == 3)
    #expect(window.dropped == 2)
    window.connectionReplaced(generation: 2)
    window.drop(sentBefore: second(4))
    #expect(Self.resent(&window) == [4, 5])
    #expect(window.lastIndex == 2)
  }

  @Test func aLongLifeKeepsTheWindowSmall() {
    var window = TransparentWindow<Int>(limit: 100, generation: 1)
    for message in 1...10_000 {
      #expect(window.sent(message, bytes: 10, at: second(0)) == Int64(message))
      if message % 5 == 0 { #expect(window.consumed(upTo: Int64(message), generation: 1) == 5) }
    }
    #expect(window.count == 0)
    #expect(window.dropped == 0)
  }
}
