// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

extension TransportConformance {
  static let pressureChecks: [(String, Check)] = [
    ("nothing is delivered while nobody reads, and all of it afterwards", pausedReading),
    ("a close is heard though nobody reads", closeWhilePaused),
    ("reading may be stopped and started at any time", flickeringReading),
  ]

  private static let pausedReading: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    let message = payload(10_000)
    await line.call { $0.setReading(false) }
    // Calls take effect in order, so what was sent after the pause proves it.
    await line.send(Array("paused".utf8))
    await line.expectAtPeer(.message(Array("paused".utf8)), "behind the pause")
    for _ in 0..<20 { await line.remote.perform(.send(message, asText: false, frames: 1)) }
    // A whole other connection passes the time without a clock.
    guard let other = await conformance.open(report, generation: 2) else { return }
    await other.remote.perform(.send(message, asText: false, frames: 1))
    await other.expectMessage(message, "on another connection")
    report.expect(line.sink.events.count == 0, "\(line.sink.events.count) messages were delivered")
    await line.send(Array("out".utf8))
    await line.expectAtPeer(.message(Array("out".utf8)), "while reading is paused")
    await line.call { $0.setReading(true) }
    for index in 0..<20 { await line.expectMessage(message, "message \(index) after the pause") }
    await other.end()
    await line.end()
  }

  private static let closeWhilePaused: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.call { $0.setReading(false) }
    await line.remote.perform(.send(Array("unread".utf8), asText: true, frames: 1))
    await line.call { $0.close(code: 1000, reason: "") }
    await line.expectAtPeer(.close(code: 1000, reason: ""), "the close")
    await line.call { $0.setReading(true) }
    await line.expectMessage(Array("unread".utf8), "what was not read")
    await line.expectClosed(1000, "")
    await line.end()
  }

  private static let flickeringReading: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    let count = 50
    for index in 0..<count {
      await line.remote.perform(.send(payload(index + 1), asText: true, frames: 1))
    }
    for index in 0..<count {
      await line.call { $0.setReading(index % 3 == 0) }
      await line.call { $0.setReading(true) }
      await line.expectMessage(payload(index + 1), "message \(index)")
    }
    await line.end()
  }
}
