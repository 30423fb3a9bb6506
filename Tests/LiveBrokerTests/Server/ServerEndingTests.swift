// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import NIOEmbedded
import Testing

@testable import LiveEmulator

@Suite struct ServerEndingTests {
  @Test func aClientsCloseIsAnsweredWithItsCodeAndEndsTCP() throws {
    let stand = ServerStand()
    let peer = try stand.session()
    _ = try peer.frames()
    try peer.sendClose(1001)
    let frames = try peer.frames()
    #expect(frames.map(\.closeCode) == [1001])
    #expect(!peer.isOpen)
    #expect(stand.core.look { $0.totalsNow.connectionsOpen } == 0)
    stand.end()
  }

  @Test func aCloseWithoutACodeIsAnsweredToo() throws {
    let stand = ServerStand()
    let peer = try stand.session()
    _ = try peer.frames()
    try peer.send(8, [])
    #expect(try peer.frames().map(\.closeCode) == [1000])
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test func anUnansweredCloseOfTheServiceIsCut() throws {
    let stand = ServerStand()
    let peer = try stand.socket(EmbeddedPeer.openPath)
    #expect(try peer.frames().first?.closeCode == 1007)
    try peer.say("{}")
    stand.pass(.seconds(9))
    #expect(peer.isOpen)
    stand.pass(.seconds(2))
    #expect(!peer.isOpen)
    #expect(stand.gauge.now.socketsOpen == 0)
    stand.end()
  }

  @Test func aCloseMayStayUnanswered() throws {
    let stand = ServerStand { $0.service.faults.unansweredCloses = 1 }
    let peer = try stand.session()
    _ = try peer.frames()
    try peer.sendClose(1000)
    #expect(try peer.frames().isEmpty)
    #expect(peer.isOpen)
    stand.pass(.seconds(11))
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test func goAwayMayBeFollowedBySilence() throws {
    let stand = ServerStand { $0.service.faults.goAwaySilences = 1 }
    let peer = try stand.session()
    stand.pass(.seconds(541))
    #expect(try peer.frames().last?.text == #"{"goAway":{"timeLeft":"60s"}}"#)
    try peer.say(#"{"realtimeInput":{"text":"hello"}}"#)
    try peer.send(9, [])
    stand.pass(.seconds(58))
    #expect(try peer.frames().isEmpty)
    #expect(peer.isOpen)
    stand.pass(.seconds(2))
    #expect(try peer.frames().isEmpty)
    #expect(!peer.isOpen)
    stand.end()
  }

  @Test(
    arguments: [
      ([0x81, 0x02, 0x7B, 0x7D], 1002), ([0xC1, 0x80, 1, 2, 3, 4], 1002),
      ([0x83, 0x80, 1, 2, 3, 4], 1002), ([0x80, 0x80, 1, 2, 3, 4], 1002),
      ([0x88, 0x81, 0, 0, 0, 0, 3], 1002), ([0x09, 0x80, 1, 2, 3, 4], 1002),
      ([0x89, 0xFE, 0, 126, 1, 2, 3, 4], 1002),
      ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE7], 1002), ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], 1002),
      ([0x88, 0x82, 0, 0, 0, 0, 0x13, 0x88], 1002), ([0x88, 0x82, 0, 0, 0, 0, 0, 0], 1002),
      ([0x88, 0x83, 0, 0, 0, 0, 0x03, 0xE8, 0xFF], 1007),
      ([0x81, 0xFF, 0, 0, 0, 0, 0x10, 0, 0, 0, 1, 2, 3, 4], 1009),
      ([0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4], 1009),
    ] as [([UInt8], Int)])
  func aBrokenFrameIsRefusedWithItsCode(_ bytes: [UInt8], _ code: Int) throws {
    let stand = ServerStand()
    let peer = try stand.session()
    _ = try peer.frames()
    try? peer.write(bytes)
    #expect(try peer.frames().map(\.closeCode) == [code])
    #expect(!peer.isOpen)
    #expect(stand.gauge.now.violations == 1)
    #expect(stand.gauge.now.socketsOpen == 0)
    stand.end()
  }

  @Test func aMessageOverTheLimitIsRefusedInOnePieceOrInMany() throws {
    let stand = ServerStand { $0.limits.messageBytes = 1_000 }
    let whole = try stand.session()
    _ = try whole.frames()
    try? whole.send(1, Array(repeating: 32, count: 1_001))
    #expect(try whole.frames().map(\.closeCode) == [1009])
    let pieces = try stand.session()
    _ = try pieces.frames()
    try pieces.send(1, Array(repeating: 32, count: 600), isLast: false)
    try pieces.send(0, Array(repeating: 32, count: 401), isLast: false)
    #expect(try pieces.frames().map(\.closeCode) == [1009])
    stand.end()
  }

  @Test func aClientThatVanishesLeavesNothing() throws {
    let stand = ServerStand()
    for _ in 0..<20 {
      let peer = try stand.session()
      peer.channel.pipeline.fireChannelInactive()
      _ = try? peer.channel.close().wait()
    }
    #expect(stand.gauge.now.socketsOpen == 0)
    #expect(stand.gauge.now.connectionsOpen == 0)
    #expect(stand.core.look { $0.totalsNow.connectionsOpen } == 0)
    stand.end()
  }

  @Test func stalledUpgradesAndConnectionsAreNeverAnswered() throws {
    let upgrades = ServerStand { $0.faults.stalledUpgrades = 1 }
    let peer = try upgrades.connect()
    #expect(try peer.upgrade(EmbeddedPeer.openPath + "?key=k") == "")
    upgrades.pass(.seconds(60))
    #expect(peer.isOpen)
    #expect(upgrades.gauge.now.stalled == 1)
    upgrades.end()
    let connects = ServerStand { $0.faults.stalledConnects = 1 }
    #expect(try connects.connect().request("GET /emulator/report HTTP/1.1") == "")
    connects.end()
  }

  @Test func drainingTellsEverySessionAndClosesWhatStays() throws {
    let stand = ServerStand()
    let idle = try stand.connect()
    let leaver = try stand.session()
    let stayer = try stand.session()
    _ = (try leaver.frames(), try stayer.frames())
    stand.core.drain(timeLeft: .seconds(5))
    #expect(!idle.isOpen)
    #expect(try leaver.frames().map(\.text) == [#"{"goAway":{"timeLeft":"5s"}}"#])
    _ = try stayer.frames()
    try leaver.sendClose(1000)
    _ = leaver.take()
    #expect(!leaver.isOpen)
    stand.pass(.seconds(5))
    #expect(try stayer.frames().last?.closeCode == 1008)
    #expect(stayer.isOpen)
    stand.pass(.seconds(3))
    #expect(!stayer.isOpen)
    #expect(stand.gauge.now.connectionsOpen == 0)
    stand.end()
  }

  @Test func timersStayFewHoweverManyConnectionsThereAre() throws {
    let stand = ServerStand { $0.service.connections.pongDelay = .seconds(5) }
    for _ in 0..<500 {
      let peer = try stand.session()
      try peer.send(9, [])
    }
    #expect(stand.gauge.now.socketsOpen == 500)
    #expect(stand.gauge.now.timersPending <= 3)
    stand.end()
  }

  /// Whatever bytes a peer sends, at whatever moment: no trap, and nothing left.
  @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
  func randomBytesNeverTrapAndLeaveNothing(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let stand = ServerStand { $0.limits.messageBytes = 4_096 }
    for round in 0..<150 {
      let peer = round % 3 == 0 ? try stand.connect() : try stand.session()
      for _ in 0..<4 where peer.isOpen {
        let noise = (0..<Int.random(in: 0..<300, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: try? peer.write(noise)
        case 1: try? peer.send(UInt8.random(in: 0...15, using: &random), noise, isLast: false)
        case 2: try? peer.send(UInt8.random(in: 0...15, using: &random), noise)
        default:
          try? peer.write(Array("GET /\(round) HTTP/1.1\r\n".utf8) + noise + [13, 10, 13, 10])
        }
        stand.pass(.milliseconds(Int64.random(in: 0..<50, using: &random)))
      }
      if Bool.random(using: &random) { _ = try? peer.channel.close().wait() }
    }
    stand.pass(.seconds(700))
    #expect(stand.gauge.now.connectionsOpen == 0)
    stand.end()
  }
}
#endif
