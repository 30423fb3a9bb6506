// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

extension TransportConformance {
  static let dialingChecks: [(String, Check)] = [
    ("nothing is sent on a connection before it is told to", nothingIsSentUntold),
    ("a refused upgrade tells status and wait", refusedUpgrade),
    ("an upgrade that is not answered ends by its deadline", ignoredUpgrade),
    ("a dial where nobody listens fails in its phase", deadEndpoint),
    ("a cancelled dial ends as cancelled", cancelledDial),
    ("a close right behind the upgrade is told", closeBehindUpgrade),
    ("connections keep their generations apart", generations),
  ]

  private static let nothingIsSentUntold: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.send(Array("first".utf8))
    await line.expectAtPeer(.message(Array("first".utf8)), "before the first message")
    await line.end()
  }

  private static let refusedUpgrade: Check = { conformance, report in
    await conformance.peer.meetUpgrades(.refuse(status: 503, retryAfter: .seconds(7)))
    guard let error = await conformance.failingDial(report) else { return }
    report.expect(error.code == .upgradeRefused, "the code is \(error.code)")
    report.expect(error.httpStatus == 503, "the status is \(error.httpStatus ?? 0)")
    report.expect(
      error.retryAfter == .seconds(7), "the wait is \(String(describing: error.retryAfter))")
  }

  private static let ignoredUpgrade: Check = { conformance, report in
    await conformance.peer.meetUpgrades(.ignore)
    let error = await conformance.failingDial(report) { request in
      request.timeouts.upgrade = .milliseconds(50)
    }
    if let error { report.expect(error.code == .timedOut, "the code is \(error.code)") }
  }

  private static let deadEndpoint: Check = { conformance, report in
    guard let endpoint = conformance.peer.deadEndpoint else { return }
    guard let error = await conformance.failingDial(report, endpoint) else { return }
    report.expect(error.code == .connectFailed, "the code is \(error.code)")
  }

  private static let cancelledDial: Check = { conformance, report in
    await conformance.peer.meetUpgrades(.ignore)
    let error = await withTaskGroup(of: TransportError?.self) { group in
      group.addTask { await conformance.failingDial(report) }
      group.cancelAll()
      return await group.next() ?? nil
    }
    if let error { report.expect(error.code == .cancelled, "the code is \(error.code)") }
  }

  private static let closeBehindUpgrade: Check = { conformance, report in
    await conformance.peer.meetUpgrades(.acceptAndClose(code: 1011, reason: "Token has expired"))
    guard let line = await conformance.open(report) else { return }
    await line.expectClosed(1011, "Token has expired")
    await line.end()
  }

  private static let generations: Check = { conformance, report in
    guard let old = await conformance.open(report, generation: 7),
      let new = await conformance.open(report, generation: 8)
    else { return }
    await new.remote.perform(.send(Array("new".utf8), asText: true, frames: 1))
    await old.remote.perform(.send(Array("old".utf8), asText: true, frames: 1))
    await new.expectMessage(Array("new".utf8), "on the newer connection")
    await old.expectMessage(Array("old".utf8), "on the older connection")
    await old.remote.perform(.drop)
    await old.expectFailed(.connectionLost)
    await new.send(Array("still here".utf8))
    await new.expectAtPeer(.message(Array("still here".utf8)), "after the older one ended")
    await old.end()
    await new.end()
  }
}
