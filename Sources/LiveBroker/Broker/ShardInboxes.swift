// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Where the answers of admission and pool go: to the inbox of the shard that asked.
///
/// Made before the shards, since they are made with admission and pool in hand.
final class ShardInboxes: Sendable {
  private let mailboxes = Mutex<[Mailbox<ShardInput>]>([])

  func connect(_ mailboxes: [Mailbox<ShardInput>]) {
    self.mailboxes.withLock { $0 = mailboxes }
  }

  func admitted(_ ticket: Ticket) { post(.admitted(ticket), for: ticket) }

  func credential(_ ticket: Ticket, _ result: Result<VendedToken, TokenPoolError>) {
    post(.credential(ticket, result), for: ticket)
  }

  private func post(_ input: ShardInput, for ticket: Ticket) {
    let mailbox = mailboxes.withLock { mailboxes in
      Int(ticket.shard) < mailboxes.count ? mailboxes[Int(ticket.shard)] : nil
    }
    mailbox?.post(input)
  }
}
