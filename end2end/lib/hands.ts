// How a person works a page: with a pointer, or by keyboard alone.

import { expect, type Locator, type Page } from '@playwright/test';

export interface Hands {
  /** Presses a button or follows a link. */
  press(target: Locator): Promise<void>;
  /** Writes into an empty field. */
  write(target: Locator, text: string): Promise<void>;
  /** Ticks a box. */
  tick(target: Locator): Promise<void>;
}

export const pointer: Hands = {
  press: (target) => target.click(),
  write: (target, text) => target.fill(text),
  tick: (target) => target.check(),
};

/** Tab, Shift+Tab, Enter, Space and letters, nothing else. Fails where focus can't go or can't be seen. */
export function keyboard(page: Page): Hands {
  return {
    async press(target) {
      await reach(page, target);
      await page.keyboard.press('Enter');
    },
    async write(target, text) {
      await reach(page, target);
      await page.keyboard.type(text);
    },
    async tick(target) {
      await reach(page, target);
      await page.keyboard.press('Space');
      await expect(target).toBeChecked();
    },
  };
}

/** More stops than any page of the portal has with a hundred rows. */
const MOST_STOPS = 900;

async function reach(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  const goal = await target.elementHandle();
  for (let stops = 0; stops < MOST_STOPS; stops++) {
    if (await page.evaluate((element) => element === document.activeElement, goal)) {
      await visiblyFocused(page);
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard can't reach ${target}`);
}

/** ui_h3: focus is drawn, and nothing sticky lies over the middle of what has it. */
async function visiblyFocused(page: Page): Promise<void> {
  const seen = await page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    // A box inside a label or a summary may draw the ring on what is around it.
    const drawn = [element, element.parentElement].some((candidate) => {
      if (!candidate) return false;
      const style = getComputedStyle(candidate);
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 && style.outlineColor !== 'transparent';
    });
    const box = element.getBoundingClientRect();
    const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const covered = !!over && over !== element && !element.contains(over) && !over.contains(element);
    return { drawn, covered, what: element.outerHTML.slice(0, 120) };
  });
  expect(seen, 'focus is drawn and not covered').toMatchObject({ drawn: true, covered: false });
}
