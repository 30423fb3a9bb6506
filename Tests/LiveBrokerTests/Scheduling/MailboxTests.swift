// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization
import Testing

@Suite struct MailboxTests {
  @Test func aBatchHoldsWhatWasPostedInItsOrder() {
    let mailbox = Mailbox<Int>()
    for number in 1...3 { #expect(mailbox.post(number)) }
    var batch = [99]
    mailbox.take(into: &batch)
    #expect(batch == [1, 2, 3])
    mailbox.take(into: &batch)
    #expect(batch.isEmpty)
  }

  @Test func theBellRingsOnceForManyPosts() async {
    let mailbox = Mailbox<Int>()
    let bell = mailbox.open()
    for number in 1...1_000 { mailbox.post(number) }
    mailbox.close()
    var rings = 0
    for await _ in bell { rings += 1 }
    #expect(rings == 1)
  }

  @Test func eachEmptyingIsFollowedByAnotherRing() async {
    let mailbox = Mailbox<Int>()
    var bell = mailbox.open().makeAsyncIterator()
    var batch: [Int] = []
    for number in 1...10 {
      mailbox.post(number)
      #expect(await bell.next() != nil)
      mailbox.take(into: &batch)
      #expect(batch == [number])
    }
  }

  @Test func whatWasPostedBeforeOpeningRingsAtOnce() async {
    let mailbox = Mailbox<Int>()
    mailbox.post(7)
    var bell = mailbox.open().makeAsyncIterator()
    #expect(await bell.next() != nil)
  }

  @Test func aNewRunTakesOverFromACancelledOne() async {
    let mailbox = Mailbox<Int>()
    let first = mailbox.open()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await _ in first {} }
      group.cancelAll()
    }
    #expect(mailbox.post(1))
    var second = mailbox.open().makeAsyncIterator()
    #expect(await second.next() != nil)
    var batch: [Int] = []
    mailbox.take(into: &batch)
    #expect(batch == [1])
  }

  @Test func openingEndsTheFormerBell() async {
    let mailbox = Mailbox<Int>()
    var former = mailbox.open().makeAsyncIterator()
    _ = mailbox.open()
    #expect(await former.next() == nil)
  }

  @Test func ringingWakesWithoutMail() async {
    let mailbox = Mailbox<Int>()
    var bell = mailbox.open().makeAsyncIterator()
    mailbox.ring()
    #expect(await bell.next() != nil)
    #expect(mailbox.count == 0)
  }

  @Test func aCallIsMadeOnceForEachEmptying() {
    let mailbox = Mailbox<Int>()
    let rings = Atomic(0)
    mailbox.post(0)
    mailbox.open { rings.add(1, ordering: .relaxed) }
    #expect(rings.load(ordering: .relaxed) == 1)
    mailbox.post(1)
    #expect(rings.load(ordering: .relaxed) == 1)
    var batch: [Int] = []
    mailbox.take(into: &batch)
    for number in 2...9 { mailbox.post(number) }
    #expect(rings.load(ordering: .relaxed) == 2)
  }

  @Test func nothingRingsBetweenTwoRuns() {
    let mailbox = Mailbox<Int>()
    let rings = Atomic(0)
    mailbox.open { rings.add(1, ordering: .relaxed) }
    mailbox.endRun()
    mailbox.post(1)
    mailbox.ring()
    #expect(rings.load(ordering: .relaxed) == 0)
    mailbox.open { rings.add(10, ordering: .relaxed) }
    #expect(rings.load(ordering: .relaxed) == 10)
  }

  @Test func aCallTakesOverFromAStream() async {
    let mailbox = Mailbox<Int>()
    var former = mailbox.open().makeAsyncIterator()
    mailbox.open {}
    #expect(await former.next() == nil)
  }

  @Test func aClosedMailboxRefusesPostsAndStillGivesWhatItHas() async {
    let mailbox = Mailbox<Int>()
    mailbox.post(1)
    mailbox.close()
    #expect(!mailbox.post(2))
    var rings = 0
    for await _ in mailbox.open() { rings += 1 }
    #expect(rings == 1)
    var batch: [Int] = []
    mailbox.take(into: &batch)
    #expect(batch == [1])
  }

  @Test func nothingIsLostBetweenManyPostersAndOneReader() async {
    let mailbox = Mailbox<Int>()
    let (posters, each) = (8, 2_000)
    let bell = mailbox.open()
    let sum = await withTaskGroup(of: Int.self) { group in
      group.addTask {
        var (sum, seen) = (0, 0)
        var batch: [Int] = []
        for await _ in bell {
          mailbox.take(into: &batch)
          sum += batch.reduce(0, +)
          seen += batch.count
          if seen == posters * each { break }
        }
        return sum
      }
      for _ in 0..<posters {
        group.addTask {
          for number in 1...each { mailbox.post(number) }
          return 0
        }
      }
      return await group.reduce(0, +)
    }
    #expect(sum == posters * each * (each + 1) / 2)
  }
}
