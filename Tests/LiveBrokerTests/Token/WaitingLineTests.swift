// SPDX-License-Identifier: Apache-2.0

@testable import LiveBroker
import Testing

@Suite struct WaitingLineTests {
  typealias Line = WaitingLine<Int, Void>

  static func line(_ keys: Range<Int>, deadline: (Int) -> EngineInstant = { _ in .never }) -> Line {
    var line = Line()
    for key in keys {
      line.append(key, need: (), deadline: deadline(key), arrival: UInt64(key))
    }
    return line
  }

  @Test func thoseWhoStayAreServedInOrder() {
    var line = Self.line(0..<1_000)
    for key in 0..<1_000 where key % 3 != 0 { line.remove(key) }
    var served: [Int] = []
    while let place = line.removeFirst() { served.append(place.key) }
    #expect(served == (0..<1_000).filter { $0 % 3 == 0 })
    #expect(line.isEmpty)
  }

  @Test func timeRunsOutInTheOrderOfTheDeadlines() {
    let seconds = (0..<500).map { ($0 * 7_919) % 500 }
    var line = Self.line(0..<500) { second(Double(seconds[$0])) }
    var expired: [Int] = []
    while let place = line.removeExpired(at: second(249)) { expired.append(place.key) }
    let inOrder = (0..<500).sorted { seconds[$0] < seconds[$1] }
    #expect(expired == Array(inOrder.prefix(250)))
    #expect(line.count == 250)
    #expect(line.nextDeadline == second(250))
  }

  @Test func whoeverLeftHasNoDeadlineAnyMore() {
    var line = Self.line(0..<3) { second(Double($0)) }
    line.remove(0)
    #expect(line.nextDeadline == second(1))
    #expect(line.removeFirst()?.key == 1)
    #expect(line.removeFirst()?.key == 2)
    #expect(line.nextDeadline == .never)
    #expect(line.removeExpired(at: second(99)) == nil)
  }

  @Test func oneWhoLeftAndCameBackStandsAtTheEnd() {
    var line = Self.line(0..<3) { _ in second(50) }
    line.remove(0)
    line.append(0, need: (), deadline: second(60), arrival: 10)
    #expect(line.removeExpired(at: second(50))?.key == 1)
    #expect(line.removeExpired(at: second(50))?.key == 2)
    #expect(line.removeExpired(at: second(50)) == nil)
    #expect(line.removeFirst()?.key == 0)
  }

  @Test func aLineAgreesWithAListThatIsSearched() {
    var dice = SplitMix64(seed: 5)
    var line = Line()
    var list: [(key: Int, deadline: EngineInstant, arrival: UInt64)] = []
    for step in 0..<20_000 {
      let key = Int(dice.next() % 300)
      switch dice.next() % 4 {
      case 0, 1:
        let deadline = second(Double(dice.next() % 1_000) + Double(step) / 10)
        if !list.contains(where: { $0.key == key }) { list.append((key, deadline, UInt64(step))) }
        line.append(key, need: (), deadline: deadline, arrival: UInt64(step))
      case 2:
        #expect(line.remove(key)?.key == list.first { $0.key == key }?.key)
        list.removeAll { $0.key == key }
      default:
        let now = second(Double(step) / 10)
        let due = list.filter { $0.deadline <= now }
        let next = due.min { ($0.deadline, $0.arrival) < ($1.deadline, $1.arrival) }
        #expect(line.removeExpired(at: now)?.key == next?.key)
        list.removeAll { $0.key == next?.key }
      }
      #expect(line.count == list.count)
      #expect(line.first?.key == list.first?.key)
    }
    #expect(line.nextDeadline == list.map(\.deadline).min() ?? .never)
  }
}
