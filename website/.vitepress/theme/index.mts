// Fonts of the system: nothing to load before a page can be read.
import DefaultTheme from 'vitepress/theme-without-fonts';
import './style.css';

export default DefaultTheme;
