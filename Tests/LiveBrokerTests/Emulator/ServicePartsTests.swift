// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

@Suite struct ServicePartsTests {
  @Test func timersFireInOrderOfDeadlineAndArming() {
    var chance = SplitMix64(seed: 1)
    var heap = TimerHeap()
    var expected: [(Int64, UInt32)] = []
    for owner in 0..<2_000 as Range<UInt32> {
      let deadline = chance.nanoseconds(upTo: 300)
      heap.push(at: deadline, .model, owner: owner)
      expected.append((deadline, owner))
    }
    expected.sort { $0 < $1 }
    var seen: [(Int64, UInt32)] = []
    #expect(heap.popDue(-1) == nil)
    while let entry = heap.popDue(.max) { seen.append((entry.deadline, entry.owner)) }
    #expect(seen.elementsEqual(expected, by: ==))
  }

  @Test func anAlarmThatIsMovedLaterKeepsOneEntryAndFiresOnce() throws {
    var heap = TimerHeap()
    var alarm = Alarm()
    for deadline in 10...1_000 as ClosedRange<Int64> {
      alarm.set(deadline, .silence, owner: 1, in: &heap)
    }
    #expect(heap.count == 1)
    let earlyPopped = heap.popDue(10)
    let early = try #require(earlyPopped)
    #expect(!alarm.fires(early, in: &heap))
    let duePopped = heap.popDue(1_000)
    let due = try #require(duePopped)
    #expect(due.deadline == 1_000)
    #expect(alarm.fires(due, in: &heap))
    #expect(heap.count == 0)
  }

  @Test func anAlarmThatIsMovedEarlierFiresThenAndItsOldEntryIsStale() throws {
    var heap = TimerHeap()
    var alarm = Alarm()
    alarm.set(100, .model, owner: 1, in: &heap)
    alarm.set(50, .model, owner: 1, in: &heap)
    let firstPopped = heap.popDue(200)
    let first = try #require(firstPopped)
    #expect(alarm.fires(first, in: &heap))
    let secondPopped = heap.popDue(200)
    let second = try #require(secondPopped)
    #expect(!alarm.fires(second, in: &heap))
    alarm.set(300, .model, owner: 1, in: &heap)
    alarm.cancel()
    let thirdPopped = heap.popDue(300)
    let third = try #require(thirdPopped)
    #expect(!alarm.fires(third, in: &heap))
  }

  @Test func digestsDoNotDependOnHowTheStreamIsCut() {
    let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var whole = StreamDigest()
    whole.update(bytes)
    for size in [1, 3, 7, 8, 9, 64, 333] {
      var pieces = StreamDigest()
      for start in stride(from: 0, to: bytes.count, by: size) {
        pieces.update(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(pieces == whole)
    }
    var other = StreamDigest()
    other.update([1] + bytes.dropFirst())
    #expect(other.value != whole.value)
    var swapped = StreamDigest()
    swapped.update(Array(bytes[8...] + bytes[..<8]))
    #expect(swapped.value != whole.value)
  }

  @Test func sealedNamesCarryTheirNumberAndKnowForgeries() {
    let names = SealedNames(prefix: "p/", length: 100, key: 5)
    let others = SealedNames(prefix: "p/", length: 100, key: 6)
    for number in [0, 1, 42, 1 << 32, UInt64.max] {
      let name = names.name(for: number)
      #expect(name.count == 102)
      #expect(name.withUnsafeBytes { names.number(in: $0) } == number)
      #expect(name.withUnsafeBytes { others.number(in: $0) } == nil)
      var forged = name
      forged[60] ^= 1
      #expect(forged.withUnsafeBytes { names.number(in: $0) } == nil)
    }
  }

  @Test(arguments: [
    (Duration.seconds(50), "50s"), (.milliseconds(9_500), "9.500s"), (.zero, "0s"),
    (.nanoseconds(9_123_456_789), "9.123456789s"), (.microseconds(1_000_050), "1.000050s"),
    (.milliseconds(-1_500), "-1.500s"),
  ])
  func durationsAreSpelledAsProtobufJSON(duration: Duration, text: String) {
    #expect(TimeText.protobuf(duration) == text)
  }

  @Test func whatAPeerCanFillIsBounded() {
    var stage = ServiceStage {
      $0.accounts.promisesKept = 2
      $0.accounts.itemsKept = 3
      $0.sessions.total = 4
    }
    for id in 1...5 as ClosedRange<ConnectionID> { stage.open(id) }
    #expect(stage.closes(5) == [.quotaExceeded])
    for id in 1...4 as ClosedRange<ConnectionID> { stage.setup(id) }
    #expect(stage.broken.count == 2)
    #expect(stage.service.totalsNow.promisesBroken == 4)
    var other = ServiceStage { $0.accounts.itemsKept = 3 }
    other.open(1)
    for index in 0..<5 { other.text(1, "\(index)") }
    let remembered = other.account().remembered
    #expect(remembered.items.map(\.kind) == [.text("0"), .text("1"), .text("2")])
    #expect(remembered.itemCount == 5)
    #expect(!remembered.holdsAllItems)
  }

  @Test(arguments: [
    (
      #"{"a":{},"b":[1,"x,{\"y"]}"#,
      "{\n  \"a\": {},\n  \"b\": [\n    1,\n    \"x,{\\\"y\"\n  ]\n}\n"
    )
  ])
  func jsonIsLaidOutWithoutTouchingStrings(compact: String, lines: String) {
    #expect(String(decoding: JSONLayout.lines(Array(compact.utf8)), as: UTF8.self) == lines)
  }
}
